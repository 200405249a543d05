// Reads the views as Grafana's data source for ClickHouse does over HTTP, and prints one JSON object a line: what
// tests/bi/reading.py says. Arguments: address, database, a relation with parameters. Statements come on standard
// input, with NUL between them.
package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

type reader struct {
	db           *sql.DB
	parametrized string
}

type line = map[string]any

func main() {
	db := clickhouse.OpenDB(&clickhouse.Options{
		Protocol:    clickhouse.HTTP,
		Addr:        []string{os.Args[1]},
		Auth:        clickhouse.Auth{Database: os.Args[2], Username: "bi_reader"},
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionGZIP},
		ReadTimeout: 60 * time.Second,
	})
	defer db.Close()
	reader{db, os.Args[3]}.read()
}

func (r reader) read() {
	version, err := r.rows("SELECT version()")
	if err != nil {
		panic(err)
	}
	say("connect", "", line{"version": version[0][0]})
	tables, err := r.rows("SHOW TABLES")
	views := []string{}
	for _, row := range tables {
		views = append(views, row[0].(string))
	}
	attempt("list", "", line{"views": views}, err)
	for _, view := range views {
		r.readView(view)
	}
	_, err = r.rows("SELECT count() FROM events")
	attempt("refused", "", nil, err)
	_, err = r.rows("SELECT count() FROM v_no_such_view")
	attempt("wrong_name", "", nil, err)
	_, err = r.rows("SELECT no_such_column FROM v_clock")
	attempt("wrong_column", "", nil, err)
	r.readLong()
	statements, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	for _, statement := range strings.Split(string(statements), "\x00") {
		rows, err := r.rows(statement)
		attempt("statement", statement, line{"rows": len(rows)}, err)
	}
}

func (r reader) readView(view string) {
	relation := view
	if strings.HasPrefix(r.parametrized, view+"(") {
		relation = r.parametrized
	} else {
		described, err := r.rows("DESC TABLE " + view)
		columns := [][]any{}
		for _, row := range described {
			columns = append(columns, []any{row[0], row[1], row[4]})
		}
		attempt("describe", view, line{"columns": columns}, err)
	}
	var count int
	err := r.db.QueryRow("SELECT count() FROM " + relation).Scan(&count)
	attempt("count", view, line{"count": fmt.Sprint(count)}, err)
	r.page(view, relation, count)
}

// A third of the view at a time.
func (r reader) page(view string, relation string, count int) {
	size := count/3 + 1
	for offset := 0; offset < count; offset += size {
		rows, err := r.rows("SELECT * FROM "+relation+" ORDER BY ALL LIMIT ? OFFSET ?", size, offset)
		attempt("page", view, line{"rows": rows}, err)
	}
}

func (r reader) readLong() {
	rows, err := r.rows("SELECT number, toString(number) FROM numbers(300000)")
	sum := 0
	for _, row := range rows {
		var number int
		fmt.Sscan(row[0].(string), &number)
		sum += number + len(row[1].(string))
	}
	attempt("long", "", line{"rows": fmt.Sprint(len(rows)), "sum": fmt.Sprint(sum)}, err)
}

func (r reader) rows(query string, arguments ...any) ([][]any, error) {
	found, err := r.db.Query(query, arguments...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	columns, err := found.ColumnTypes()
	if err != nil {
		return nil, err
	}
	rows := [][]any{}
	for found.Next() {
		cells, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			places[i] = &cells[i]
		}
		if err := found.Scan(places...); err != nil {
			return nil, err
		}
		for i, cell := range cells {
			cells[i] = text(cell, columns[i].DatabaseTypeName())
		}
		rows = append(rows, cells)
	}
	return rows, found.Err()
}

// A cell as ClickHouse writes it; nil for NULL.
func text(cell any, kind string) any {
	value := reflect.ValueOf(cell)
	if cell == nil || value.Kind() == reflect.Pointer && value.IsNil() {
		return nil
	}
	if value.Kind() == reflect.Pointer {
		return text(value.Elem().Interface(), kind)
	}
	instant, isInstant := cell.(time.Time)
	switch {
	case !isInstant:
		return fmt.Sprint(cell)
	case strings.Contains(kind, "DateTime"):
		return instant.UTC().Format("2006-01-02 15:04:05.000")
	default:
		return instant.Format(time.DateOnly)
	}
}

func attempt(step string, about string, rest line, err error) {
	if err != nil {
		rest = line{"failed": err.Error()}
	}
	say(step, about, rest)
}

func say(step string, about string, rest line) {
	whole := line{"step": step, "about": about}
	for name, value := range rest {
		whole[name] = value
	}
	if err := json.NewEncoder(os.Stdout).Encode(whole); err != nil {
		panic(err)
	}
}
