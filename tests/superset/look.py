"""Runs in Superset's own environment: prints, as JSON, what Superset has and what it answers.

    LOOK_PASSWORD=… .venv-superset/bin/python look.py DIRECTORY_OF_QUERIES

Data is asked for as browsers do it, through the API of Superset's application.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from superset.app import create_app


def contents() -> dict[str, Any]:
    from superset import db
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    return {
        "databases": {d.database_name: d.id for d in db.session.query(Database)},
        "engines": [d.db_engine_spec.__name__ for d in db.session.query(Database)],
        "datasets": {
            d.table_name: {c.column_name: c.description for c in d.columns}
            for d in db.session.query(SqlaTable)
        },
        "found": sorted(d.table_name for d in db.session.query(SqlaTable) if exists(d)),
        "charts": {s.slice_name: s.id for s in db.session.query(Slice)},
        "dashboards": {
            d.dashboard_title: sorted(s.slice_name for s in d.slices) for d in db.session.query(Dashboard)
        },
    }


def exists(dataset: Any) -> bool:
    from superset.sql.parse import Table

    return bool(dataset.database.has_table(Table(dataset.table_name, dataset.schema, dataset.catalog)))


def answer(response: Any) -> dict[str, Any]:
    if response.status_code != 200:
        return {"status": response.status_code, "error": response.get_data(as_text=True)[:600]}
    return {**response.get_json(), "status": 200}


def main() -> None:
    app = create_app()
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        found = contents()
    browser = app.test_client()
    login = {"username": "admin", "password": os.environ["LOOK_PASSWORD"], "provider": "db"}
    token = browser.post("/api/v1/security/login", json=login).get_json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    found["answers"] = {
        name: answer(browser.get(f"/api/v1/chart/{number}/data/", headers=headers))
        for name, number in found["charts"].items()
    }
    (database_id,) = found["databases"].values()
    found["sql_lab"] = {
        path.stem: answer(
            browser.post(
                "/api/v1/sqllab/execute/",
                headers=headers,
                json={
                    "database_id": database_id,
                    "sql": path.read_text(),
                    "client_id": f"q{n}",
                    "runAsync": False,
                },
            )
        )
        for n, path in enumerate(sorted(Path(sys.argv[1]).glob("*.sql")))
    }
    json.dump(found, sys.stdout, default=str)


if __name__ == "__main__":
    main()
