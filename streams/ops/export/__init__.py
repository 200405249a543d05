"""A view as a file: CSV, Parquet or Arrow, made by ClickHouse and passed on as it comes."""
