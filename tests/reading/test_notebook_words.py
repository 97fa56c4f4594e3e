"""What the notebook adds to the filter language: `mark:` and `note:` work as every condition."""


def ids(asked):
    return {each["external_userid"] for each in asked.json["items"]}


def test_a_note_is_found_by_any_part_of_it(own):
    one, two = sorted(ids(own("customer", "list", "--limit", "2", "--json")))
    assert own("customer", "note", one, "Allergic to 100% wool").code == 0
    assert own("customer", "note", two, "过敏").code == 0
    for where, who in (
        ("note:allergic", {one}),
        ("便签:过敏,allergic", {one, two}),
        ("note:0%", {one}),  # signs of LIKE are text
        ("note:1_0", set()),
        ("!note:wool note:*", set()),
    ):
        assert ids(own("customer", "list", "--where", where, "--json")) == who, where
    assert one not in ids(own("customer", "list", "--where", "!note:wool", "--all", "--json"))


def test_a_mark_is_found_by_its_name_and_names_what_was_meant(own):
    marked = ids(own("customer", "list", "--marked", "picked", "--all", "--json"))
    assert marked
    assert ids(own("customer", "list", "--where", "标记:picked", "--all", "--json")) == marked
    both = own("customer", "list", "--where", "mark:picked !mark:picked", "--json")
    assert ids(both) == set()
    refused = own("customer", "list", "--marked", "picket")
    assert refused.code == 2
    assert "no mark is called “picket”" in refused.err
    assert "picked" in refused.err
