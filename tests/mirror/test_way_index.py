"""The index of ways holds states too; files made before get it when they are opened."""

from storeops.database.database import open_database
from storeops.mirror import indexes, schema, search


def columns(db):
    return [row[2] for row in db.execute("PRAGMA index_info(follow_by_way)")]


def test_an_older_file_gets_the_wider_index(tmp_path):
    path = tmp_path / "data.db"
    older = (*schema.MIGRATIONS[:2], *search.MIGRATIONS)
    db = open_database(path, older)
    db.execute("CREATE INDEX follow_by_way ON follow (add_way, createtime DESC, customer_id DESC)")
    assert columns(db) == ["add_way", "createtime", "customer_id"]
    db.close()
    db = open_database(path, (*schema.MIGRATIONS, *search.MIGRATIONS))
    assert columns(db) == ["add_way", "createtime", "customer_id", "state"]
    db.close()


def test_a_first_load_builds_it_at_its_end(tmp_path):
    db = open_database(tmp_path / "data.db", (*schema.MIGRATIONS, *search.MIGRATIONS))
    assert columns(db) == []
    indexes.build(db)
    assert columns(db)[-1] == "state"
    db.close()
