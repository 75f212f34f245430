"""What do we know? The only place with SQL: engine, tables, one repository per noun, bulk load, migrations."""
