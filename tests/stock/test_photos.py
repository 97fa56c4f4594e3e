"""Shelf photos: sent to the app or dropped into a folder, filed, chased, looked at."""

from __future__ import annotations

import base64
import io
import random
import re
import sqlite3
import struct
import sys
import zlib
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from storeops import config, paths
from storeops.app import DATA_ROOMS, migrations
from storeops.database.database import open_database
from storeops.domains.stock import photos, pictures, received, thumbnails
from storeops.domains.stock.pictures import BadPictureError
from storeops.notebook.stores import Shop, save_shops
from storeops.sandbox.acts_messages import _shelf
from tests.stock.conftest import PhotoCorp


def png(wide: int = 4, high: int = 3, *extra: tuple[bytes, bytes], packed: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    body = packed or zlib.compress((b"\0" + b"\x10\x20\x30" * wide) * high)
    parts = ((b"IHDR", head), *extra, (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def jpeg(wide: int = 40, high: int = 30, *extra: bytes, tail: bytes = b"\xff\xd9") -> bytes:
    frame = segment(0xC0, struct.pack(">BHHB", 8, high, wide, 1) + b"\1\x11\0")
    scan = segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x12\xff\x00\x34\xff\xd0\x56"
    return b"\xff\xd8" + b"".join(extra) + frame + scan + tail


EXIF = segment(
    0xE1,
    b"Exif\0\0II*\0" + struct.pack("<IHHHIHHHHIII", 8, 2, 0x0112, 3, 1, 6, 0, 0x8825, 4, 1, 38, 0)
    + b"GPS 31.2304N 121.4737E",
)  # fmt: skip


def test_what_a_camera_tells_of_people_is_not_kept() -> None:
    told = jpeg(
        40, 30, EXIF, segment(0xFE, b"owner: Li"), segment(0xED, b"Photoshop"),
        tail=b"\xff\xd9" + b"a film, and GPS 31.2304N again",
    )  # fmt: skip
    kept = pictures.clean(told)
    assert (kept.kind, kept.width, kept.height) == ("jpeg", 40, 30)
    for secret in (b"GPS", b"owner", b"Photoshop", b"\x88\x25", b"\x25\x88"):
        assert secret not in kept.data
    assert pictures._turned(kept.data[kept.data.index(b"Exif") + 6 :]) == 6  # not on its side
    assert pictures.clean(kept.data) == kept
    told = png(4, 3, (b"eXIf", b"GPS"), (b"tEXt", b"Author\0Li"), (b"iTXt", b"XML:com.adobe.xmp"))
    assert pictures.clean(told).data == png(4, 3)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 not a picture", "kind"),
        (b"GIF89a" + bytes(50), "kind"),
        (b"\xff\xd8\xff" + bytes(10_000_000), "large"),
        (jpeg()[:-9], "broken"),  # cut off
        (b"\xff\xd8\xff\xd9", "broken"),
        (b"\xff\xd8" + b"\xff\x01" * 50_000, "broken"),
        (jpeg(65_535, 65_535), "pixels"),
        (jpeg(0, 30), "broken"),
        (png()[:-20], "broken"),
        (png(60_000, 60_000, packed=b"x"), "pixels"),
        (png(4, 3, packed=zlib.compress(bytes(30_000_000), 9)), "broken"),  # a bomb
        (png(4, 3, packed=zlib.compress(b"\0" * 10)), "broken"),
        (png(4, 3, packed=b"no zlib"), "broken"),
        (png().replace(b"\x08\x02", b"\x08\x07"), "broken"),
    ],
    ids=lambda value: value if isinstance(value, str) else len(value),
)
def test_what_is_no_whole_picture_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(BadPictureError) as refused:
        pictures.clean(data)
    assert refused.value.code == code


def test_a_day_of_photos(cli: Any, chain: PhotoCorp) -> None:
    app, (one, two) = chain.app, chain.guides.values()
    control = chain.corp.control
    chain.send(one)  # nobody asks for pictures yet: none is kept
    shown = cli("stock", "photos", "spot", "add", "冷藏柜", "--due", "00:00", "--json")
    assert shown.json == {"spot": "冷藏柜", "stores": [], "due": "00:00"}
    assert cli("stock", "photos", "spot", "add", "门口", "--due", "0:00", "--store", "s1").code == 0
    items = cli("stock", "photos", "list", "--json").json["items"]
    assert [(each["store"], each["spot"], each["status"]) for each in items] == [
        ("S1", "冷藏柜", "missing"), ("S1", "门口", "missing"), ("S2", "冷藏柜", "missing"),
    ]  # fmt: skip
    assert "3 shelf photos of today are missing in 2 shops" in cli("status").out
    # two good ones, filed in the order of asking; then what proves nothing
    told = base64.b64encode(jpeg(40, 30, EXIF)).decode()
    chain.send(one, content=told)
    chain.send(one)
    chain.send(two, content=base64.b64encode(b"<html>no picture</html>").decode())
    chain.send(two, content=told)
    answer = cli("stock", "photos", "list", "--json").json
    items = answer["items"]
    assert [(each["store"], each["spot"], each["status"], each["userid"]) for each in items] == [
        ("S1", "冷藏柜", "done", one), ("S1", "门口", "done", one), ("S2", "冷藏柜", "again", two),
    ]  # fmt: skip
    assert answer["counts"]["done"] == 2
    kept = Path(items[0]["path"])
    assert kept.parts[-3:-1] == ("S1", "冷藏柜")
    assert b"GPS" not in kept.read_bytes()
    assert (kept.stat().st_mode & 0o777, items[0]["width"]) == (0o600, 40)
    # chased once, and again when there is another reason
    (first,) = cli("stock", "photos", "chase", "--json").json["messages"]
    assert (first["store"], first["to"], first["spots"]) == ("S2", "shop-S2", ["冷藏柜"])
    assert "again" in first["text"]
    assert any("冷藏柜" in each["body"] for each in control.call("GET", "inbox?after=0")["items"])
    assert cli("stock", "photos", "chase", "--json").json["messages"] == []
    chain.send(two, bytes=50_000_000)
    (second,) = cli("stock", "photos", "chase", "--dry-run", "--json").json["items"]
    assert "larger than 10 MB" in second["text"]
    chain.send(two)
    assert cli("stock", "photos", "list", "--missing", "--json").json["items"] == []
    # an event that is handled again files nothing twice
    count = app.data.execute("SELECT count(*) FROM stock_photo").fetchone()
    app.inbox.execute("UPDATE event SET status = 'received', due_at = 0 WHERE event = 'image'"
                      " AND id > (SELECT min(id) FROM event WHERE event = 'image')")  # fmt: skip
    chain.calling.settle()
    assert app.data.execute("SELECT count(*) FROM stock_photo").fetchone() == count
    # looked at
    out = Path(app.data.path).parent / "page.html"
    assert cli("report", "photos", "--on", "today", "--out", str(out)).code == 0
    page = out.read_text(encoding="utf-8")
    assert page.count("<img ") == 3
    assert "img-src data:" in page
    found = cli("stock", "photos", "show", str(items[0]["photo"]), "--json").json
    assert found["path"] == str(kept)


def test_nobody_waits_for_a_picture(
    cli: Any, chain: PhotoCorp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is looked through, written or drawn small, others can write into data.db."""
    seen: list[str] = []

    def watch(module: Any, name: str) -> None:
        does = getattr(module, name)

        def watched(*given: Any) -> Any:
            with closing(sqlite3.connect(chain.app.data.path, timeout=0)) as other:
                other.execute("BEGIN IMMEDIATE")
            seen.append(name)
            return does(*given)

        monkeypatch.setattr(module, name, watched)

    cli("stock", "photos", "spot", "add", "冷藏柜", "--due", "23:59")
    for each in ((pictures, "clean"), (photos, "scratch"), (thumbnails, "write")):
        watch(*each)
    chain.send(chain.guides["S1"])
    assert seen == ["clean", "scratch", "write"]
    (row,) = cli("stock", "photos", "list", "--store", "S1", "--json").json["items"]
    assert row["status"] == "done"
    assert thumbnails.beside(Path(row["path"])).stat().st_size
    assert not list(Path(row["path"]).parents[2].glob(".*"))


def test_whose_picture_nobody_knows(
    cli: Any, chain: PhotoCorp, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = chain.stranger
    cli("stock", "photos", "spot", "add", "冷藏柜", "--due", "23:59")
    chain.send(stranger)
    (last,) = [each for each in cli("stock", "photos", "list", "--json").json["items"]
               if each["status"] == "unfiled"]  # fmt: skip
    done = cli("stock", "photos", "file", str(last["photo"]), "--store", "S2", "--json")
    assert (done.json["store"], done.json["spot"], done.json["status"]) == ("S2", "冷藏柜", "kept")
    assert not Path(last["path"]).exists()
    (there,) = (
        each for each in cli("stock", "photos", "list", "--store", "S2", "--json").json["items"]
    )
    assert Path(there["path"]).parts[-3] == "S2"
    with monkeypatch.context() as few:
        few.setattr(received, "MOST_A_DAY", 1)
        chain.send(stranger)
    assert chain.app.data.execute("SELECT count(*) FROM stock_photo").fetchone() == (1,)
    # what WeCom keeps no longer is said so
    chain.corp.control.act("photo_send", userid=stranger)
    chain.corp.control.advance(4 * 86_400)
    chain.calling.settle()
    assert chain.app.data.execute("SELECT why FROM stock_photo ORDER BY id DESC").fetchone() == (
        "gone",
    )


def test_dropped_into_a_folder(cli: Any, chain: PhotoCorp, tmp_path: Path) -> None:
    chain.calling.close()
    for spot in ("冷藏柜", "../../etc"):
        assert cli("stock", "photos", "spot", "add", spot, "--due", "00:00").code == 0
    place = tmp_path / "in"
    (place / "S1" / "冷藏柜").mkdir(parents=True)
    today = cli("stock", "photos", "list", "--json").json["day"]
    one, two = _shelf(random.Random(1)), _shelf(random.Random(2))
    (place / "S1" / "冷藏柜" / f"{today}.png").write_bytes(one)
    (place / "S2_冷藏柜_2026-01-05.png").write_bytes(two)
    (place / "S2_冷藏柜.png").write_bytes(two)  # January's again
    (place / "S2_..__etc_2030-01-05.png").write_bytes(two)
    (place / "nobody.png").write_bytes(png())
    (place / "S1_S2.png").write_bytes(png())
    (place / "S1_bomb.png").write_bytes(png(4, 3, packed=zlib.compress(bytes(5_000_000), 9)))
    (place / "S1_link.png").symlink_to("/etc/hostname")
    with (place / "S1_huge.jpg").open("wb") as huge:
        huge.truncate(5_000_000_000)
    answer = cli("stock", "photos", "import", str(place), "--json")
    assert answer.code == 6
    done = answer.json
    assert (done["files"], done["kept"], done["again"], len(done["problems"])) == (8, 2, 1, 7)
    said = {each["file"]: each["message"] for each in done["problems"]}
    assert "larger than 10 MB" in said["S1_huge.jpg"]
    assert "2026-01-05 again" in said["S2_冷藏柜.png"]
    assert "names no shop" in said["nobody.png"]
    assert "several shops" in said["S1_S2.png"]
    assert "damaged" in said["S1_bomb.png"]
    assert "not come yet" in said["S2_..__etc_2030-01-05.png"]
    again = cli("stock", "photos", "import", str(place), "--json").json
    assert (again["kept"], again["known"]) == (0, 2)
    given = ("--store", "S1", "--spot", "../../etc")
    assert cli("stock", "photos", "import", str(place / "nobody.png"), *given).code == 0
    folder = chain.app.data.path.parent / "photos"
    files = [each.relative_to(folder).parts for each in folder.rglob("*.png")]
    assert len(files) == 3
    assert all(not part.startswith(".") and len(parts) == 3 for parts in files for part in parts)
    assert cli("stock", "photos", "import", str(tmp_path / "none")).code == 5
    assert cli("stock", "photos", "remove", "--older-than", "1d", "--yes").code == 0
    assert len(list(folder.rglob("*.png"))) == 3 - 1 + 1  # the one that shows the same stays


def test_names_as_phones_and_people_give_them(cli: Any, chain: PhotoCorp, tmp_path: Path) -> None:
    """A day in a name is that day or none: never today, for which it would prove a shelf."""
    chain.calling.close()
    days = {
        "S1_微信图片_20260503101010.png": "2026-05-03", "S1_IMG20260504_101010.png": "2026-05-04",
        "S1_2026年5月5日.png": "2026-05-05", "S1_2026.5.6.png": "2026-05-06",
        "S1_2026_05_07.png": "2026-05-07", "S1_20260532.png": "", "S1_2026-13-01.png": "",
        "S1_20261501101010.png": "",
    }  # fmt: skip
    place = tmp_path / "in"
    place.mkdir()
    for at, name in enumerate(days):
        (place / name).write_bytes(_shelf(random.Random(at)))
    old = "S1_冷藏柜_20260508.png".encode("gb18030").decode("utf-8", "surrogateescape")
    with suppress(OSError):  # some file systems take no such name
        (place / old).write_bytes(_shelf(random.Random(99)))
        days["S1_冷藏柜_20260508.png"] = "2026-05-08"
    done = cli("stock", "photos", "import", str(place), "--json")
    assert {each["file"] for each in done.json["problems"]} == {
        name for name, day in days.items() if not day
    }
    rows = chain.app.data.execute("SELECT source, day FROM stock_photo").fetchall()
    assert dict(rows) == {name: day for name, day in days.items() if day}


def test_what_cannot_be(cli: Any, chain: PhotoCorp) -> None:
    for words, code in (
        (("spot", "add", "", "--due", "10:00"), 2),
        (("spot", "add", "x", "--due", "25:00"), 2),
        (("spot", "add", "x\u202e"), 2),
        (("spot", "add", "x", "--store", "S9"), 5),
        (("spot", "remove", "x"), 5),
        (("show", "7"), 5),
        (("file", "7", "--store", "S1"), 5),
        (("remove",), 2),
        (("remove", "7", "--yes"), 5),
        (("list", "--day", "soon"), 2),
        (("list", "--store", "S9"), 5),
    ):
        answer = cli("stock", "photos", *words, "--json")
        assert answer.code == code, (words, answer.err)
        assert answer.error["message"]


def test_terminals_get_what_they_can_show() -> None:
    from commands.terminal_picture import protocol, sequence

    assert protocol({"TERM_PROGRAM": "WezTerm"}) == "iterm"
    assert protocol({"TERM": "xterm-kitty"}) == "kitty"
    assert protocol({"TERM": "xterm-kitty", "TMUX": "/tmp/x"}) == ""
    assert protocol({"TERM": "xterm-256color"}) == ""
    data = _shelf(random.Random(1)) * 9
    assert sequence("kitty", "jpeg", data) == ""
    parts = sequence("kitty", "png", data).split("\x1b_G")[1:]
    assert [part.split(";")[0][-3:] for part in parts] == ["m=1", "m=0"]
    packed = "".join(part.split(";")[1].split("\x1b")[0] for part in parts)
    assert base64.b64decode(packed) == data
    assert base64.b64decode(sequence("iterm", "jpeg", data).split(":")[1][:-2]) == data


def shot(mode: str = "RGB", size: tuple[int, int] = (900, 600), **how: Any) -> bytes:
    """A picture as Pillow writes it, its left half dark."""
    image = Image.new("RGB", size, "white")
    image.paste("#203040", (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    image.convert(mode).save(out, **{"format": "JPEG", **how})
    return out.getvalue()


def test_thumbnails_are_small_upright_and_tell_nothing() -> None:
    turned = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    for data, size in (
        (shot(exif=turned, comment=b"owner: Li"), (213, 320)),
        (shot(progressive=True), (320, 213)),
        (shot("CMYK"), (320, 213)),
        (shot("L", (40, 30), format="PNG"), (40, 30)),
        (shot("P", format="PNG"), (320, 213)),
        (shot("RGBA", format="PNG"), (320, 213)),
        (shot("I;16", (1600, 50), format="PNG"), (320, 10)),
    ):
        small = thumbnails.draw(pictures.clean(data).data)
        with Image.open(io.BytesIO(small)) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", size)
            assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    with Image.open(io.BytesIO(thumbnails.draw(pictures.clean(shot(exif=turned)).data))) as image:
        top, bottom = image.getpixel((100, 10)), image.getpixel((100, 310))
    assert max(top) < 120 < 200 < min(bottom)  # the left half is above when it is turned
    # whole for our reader, not for Pillow; and what would cost too much
    wide = jpeg(7_000, 7_000, tail=segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x12" + b"\xff\xd9")
    for data in (jpeg(), wide, jpeg(7_000, 7_100)):
        assert thumbnails.draw(pictures.clean(data).data) == b""


def test_thumbnails_lie_beside_their_pictures(
    cli: Any, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.save_profile(config.Profile("p", "ww1"))
    paths.data_db("p").parent.mkdir(parents=True, exist_ok=True)
    with closing(open_database(paths.data_db("p"), migrations(DATA_ROOMS))) as db:
        save_shops(db, [Shop(1, "S1"), Shop(2, "S2")], 0.0)
    for store, data in (("S1", shot(quality=95)), ("S2", jpeg())):
        (tmp_path / f"{store}_冷藏柜.jpg").write_bytes(data)
    assert cli("stock", "photos", "spot", "add", "冷藏柜", "--due", "00:00").code == 0
    out = tmp_path / "page.html"
    report = ("report", "photos", "--on", "today", "--out", str(out))
    take = ("stock", "photos", "import", *map(str, tmp_path.glob("*.jpg")), "--json")
    with monkeypatch.context() as absent:
        absent.setitem(sys.modules, "PIL", None)
        assert cli(*take).json["kept"] == 2
        assert cli(*report).code == 0
        assert "storeops[photos]" in out.read_text(encoding="utf-8")
    one, two = cli("stock", "photos", "list", "--json").json["items"]
    small = thumbnails.beside(Path(one["path"]))
    assert not small.exists()
    # made when it is first needed; nobody tries again what failed
    assert cli(*report).code == 0
    page = out.read_text(encoding="utf-8")
    assert base64.b64encode(small.read_bytes()).decode() in page
    assert "1 photo is shown whole: no thumbnail" in page
    assert (small.stat().st_mode & 0o777, small.stat().st_size < one["bytes"]) == (0o600, True)
    assert thumbnails.beside(Path(two["path"])).stat().st_size == 0
    # it goes where its picture goes, and with it
    assert cli("stock", "photos", "file", str(one["photo"]), "--store", "S2").code == 0
    kept = Path(two["path"]).parents[2]
    assert sorted(each.parent.parent.name for each in kept.rglob("*.jpg")) == ["S2"] * 4
    numbers = (str(one["photo"]), str(two["photo"]))
    assert cli("stock", "photos", "remove", *numbers, "--yes").code == 0
    assert not list(kept.rglob("*.jpg"))
    # made as it is filed
    assert cli(*take).json["kept"] == 2
    assert small.stat().st_size


def test_terminals_get_pixels(tmp_path: Path) -> None:
    from commands.terminal_picture import decoded, needs_pixels, protocol

    assert protocol({"TERM": "foot-extra"}) == "sixel"
    assert protocol({"TERM": "xterm-256color", "KONSOLE_VERSION": "230804"}) == "sixel"
    assert protocol({"TERM": "xterm-256color", "KONSOLE_VERSION": "210801"}) == ""
    assert [needs_pixels(*each) for each in (
        ("kitty", "png"), ("kitty", "jpeg"), ("sixel", "png"), ("iterm", "jpeg"),
    )] == [False, True, True, False]  # fmt: skip
    small = tmp_path / "a.thumb.jpg"
    small.write_bytes(shot(size=(64, 20)))
    packed = decoded("kitty", small).split(";")[1].split("\x1b")[0]
    with Image.open(io.BytesIO(base64.b64decode(packed))) as image:
        assert (image.format, image.size) == ("PNG", (64, 20))
    drawn = decoded("sixel", small)
    assert drawn.startswith('\x1bPq"1;1;64;20#')
    assert drawn.endswith("-\x1b\\\n")
    # painted again as the standard says
    colours: dict[str, list[int]] = {}
    pixels: dict[tuple[int, int], list[int]] = {}
    for found in re.finditer(r"#(\d+);2;(\d+);(\d+);(\d+)", drawn):
        colours[found[1]] = [int(each) * 255 // 100 for each in found.groups()[1:]]
    body = re.split(r"(?<=\d)(?=#\d+[?-~!])", drawn, maxsplit=1)[1][:-3]
    for top, band in enumerate(body.split("-")[:-1]):
        for pass_ in band.split("$"):
            pen, packed = re.fullmatch(r"#(\d+)(.+)", pass_).groups()
            row = re.sub(r"!(\d+)(.)", lambda run: run[2] * int(run[1]), packed)
            for x, sixel in enumerate(row):
                for bit in range(6):
                    if (ord(sixel) - 63) >> bit & 1:
                        assert (x, 6 * top + bit) not in pixels
                        pixels[x, 6 * top + bit] = colours[pen]
    assert len(pixels) == 64 * 20
    with Image.open(small) as image:
        for at, colour in pixels.items():
            near = zip(colour, image.getpixel(at), strict=True)
            assert all(abs(each - wanted) < 24 for each, wanted in near)
