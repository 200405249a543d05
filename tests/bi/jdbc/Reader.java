import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.StringJoiner;

/**
 * Reads the views as a BI tool on the JDBC driver does, and prints one JSON object a line: what tests/bi/reading.py says.
 *
 * Arguments: URL, database, a relation with parameters, then properties of the connection, `name=value`. Statements
 * that a tool sends come on standard input, with NUL between them.
 */
public class Reader {
    private static final DateTimeFormatter MILLISECONDS = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSS");

    private final Connection connection;
    private final String database;
    private final String parametrized;

    private Reader(Connection connection, String database, String parametrized) {
        this.connection = connection;
        this.database = database;
        this.parametrized = parametrized;
    }

    private interface Step {
        void run() throws SQLException;
    }

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        for (int i = 3; i < arguments.length; i++) {
            String[] pair = arguments[i].split("=", 2);
            properties.put(pair[0], pair[1]);
        }
        try (Connection connection = DriverManager.getConnection(arguments[0], properties)) {
            new Reader(connection, arguments[1], arguments[2]).read();
        }
    }

    private void read() throws Exception {
        DatabaseMetaData metadata = connection.getMetaData();
        say("connect", "", "\"version\": " + quoted(metadata.getDatabaseProductVersion()));
        List<String> views = new ArrayList<>();
        attempt("list", "", () -> {
            try (ResultSet found = metadata.getTables(null, database, "%", new String[] {"TABLE", "VIEW"})) {
                while (found.next()) {
                    views.add(found.getString("TABLE_NAME"));
                }
            }
            say("list", "", "\"views\": " + array(views));
        });
        for (String view : views) {
            readView(metadata, view);
        }
        attempt("refused", "", () -> countOf("events"));
        attempt("wrong_name", "", () -> countOf("v_no_such_view"));
        attempt("wrong_column", "", () -> rows("SELECT no_such_column FROM v_clock"));
        attempt("long", "", this::readLong);
        for (String sql : new String(System.in.readAllBytes(), StandardCharsets.UTF_8).split("\0")) {
            attempt("statement", sql, () -> say("statement", sql, "\"rows\": " + numberOf(sql)));
        }
    }

    private void readView(DatabaseMetaData metadata, String view) {
        boolean isParametrized = parametrized.startsWith(view + "(");
        String relation = isParametrized ? parametrized : view;
        if (!isParametrized) {
            attempt("describe", view, () -> describe(metadata, view));
        }
        attempt("count", view, () -> {
            int count = countOf(relation);
            say("count", view, "\"count\": \"" + count + "\"");
            page(view, relation, count);
        });
    }

    private void describe(DatabaseMetaData metadata, String view) throws SQLException {
        StringJoiner columns = new StringJoiner(", ", "[", "]");
        try (ResultSet found = metadata.getColumns(null, database, view, "%")) {
            while (found.next()) {
                columns.add(array(List.of(
                    found.getString("COLUMN_NAME"), found.getString("TYPE_NAME"), "" + found.getString("REMARKS"))));
            }
        }
        say("describe", view, "\"columns\": " + columns);
    }

    private int countOf(String relation) throws SQLException {
        return Integer.parseInt(rows("SELECT count() FROM " + relation).get(0).replaceAll("[^0-9]", ""));
    }

    /** A third of the view at a time. */
    private void page(String view, String relation, int count) {
        attempt("page", view, () -> {
            int size = count / 3 + 1;
            String sql = "SELECT * FROM " + relation + " ORDER BY " + everyColumn(relation) + " LIMIT ? OFFSET ?";
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                for (int offset = 0; offset < count; offset += size) {
                    statement.setInt(1, size);
                    statement.setInt(2, offset);
                    try (ResultSet found = statement.executeQuery()) {
                        say("page", view, "\"rows\": [" + String.join(", ", rowsOf(found)) + "]");
                    }
                }
            }
        });
    }

    private String everyColumn(String relation) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet found = statement.executeQuery("SELECT * FROM " + relation + " LIMIT 0")) {
            ResultSetMetaData metadata = found.getMetaData();
            StringJoiner names = new StringJoiner(", ");
            for (int i = 1; i <= metadata.getColumnCount(); i++) {
                names.add("`" + metadata.getColumnName(i) + "`");
            }
            return names.toString();
        }
    }

    private void readLong() throws SQLException {
        long rows = 0;
        long sum = 0;
        try (Statement statement = connection.createStatement();
                ResultSet found = statement.executeQuery("SELECT number, toString(number) FROM numbers(300000)")) {
            while (found.next()) {
                rows++;
                sum += found.getLong(1) + found.getString(2).length();
            }
        }
        say("long", "", "\"rows\": \"" + rows + "\", \"sum\": \"" + sum + "\"");
    }

    private int numberOf(String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet found = statement.executeQuery(sql)) {
            int rows = 0;
            while (found.next()) {
                for (int i = 1; i <= found.getMetaData().getColumnCount(); i++) {
                    found.getObject(i);
                }
                rows++;
            }
            return rows;
        }
    }

    private List<String> rows(String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet found = statement.executeQuery(sql)) {
            return rowsOf(found);
        }
    }

    private static List<String> rowsOf(ResultSet found) throws SQLException {
        List<String> rows = new ArrayList<>();
        while (found.next()) {
            StringJoiner cells = new StringJoiner(", ", "[", "]");
            for (int i = 1; i <= found.getMetaData().getColumnCount(); i++) {
                cells.add(quoted(text(found, i)));
            }
            rows.add(cells.toString());
        }
        return rows;
    }

    /**
     * A cell as ClickHouse writes it. Of an instant, tools that ask for a Timestamp show its wall clock, others its
     * offset as well: both must say the same time in UTC, whatever the zone of this machine.
     */
    private static String text(ResultSet found, int index) throws SQLException {
        Object value = found.getObject(index);
        if (value instanceof Timestamp timestamp) {
            OffsetDateTime instant = found.getObject(index, OffsetDateTime.class).withOffsetSameInstant(ZoneOffset.UTC);
            if (!instant.toLocalDateTime().equals(timestamp.toLocalDateTime())) {
                throw new SQLException(timestamp + " is shown for " + instant);
            }
            return MILLISECONDS.format(instant);
        }
        return value == null ? null : value instanceof Date day ? day.toLocalDate().toString() : value.toString();
    }

    private static void attempt(String step, String about, Step work) {
        try {
            work.run();
        } catch (SQLException | RuntimeException error) {
            say(step, about, "\"failed\": " + quoted(String.valueOf(error.getMessage())));
        }
    }

    private static void say(String step, String about, String rest) {
        System.out.println("{\"step\": " + quoted(step) + ", \"about\": " + quoted(about) + ", " + rest + "}");
    }

    private static String array(List<String> texts) {
        StringJoiner all = new StringJoiner(", ", "[", "]");
        texts.forEach(text -> all.add(quoted(text)));
        return all.toString();
    }

    /** A JSON string in ASCII. */
    private static String quoted(String text) {
        if (text == null) {
            return "null";
        }
        StringBuilder json = new StringBuilder("\"");
        for (char unit : text.toCharArray()) {
            boolean isPlain = unit >= ' ' && unit < 127 && unit != '"' && unit != '\\';
            json.append(isPlain ? String.valueOf(unit) : String.format("\\u%04x", (int) unit));
        }
        return json.append('"').toString();
    }
}
