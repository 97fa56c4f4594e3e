"""Pinyin for search: readings of names, the tokens they are found by, and what a word may mean.

A word is matched piece by piece, each piece the beginning of a syllable: `wxm`, `wangxm`, `wangx`
and `wxiaoming` all find 王小明. Readings are kept in `search_syllable` when a character is first
written, so that reading never loads pypinyin and what was indexed can always be taken out again.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from functools import cache
from importlib import util
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storeops.database.database import Database

MARK = "\ue0ff"  # before whole syllables, so that 'wa' the syllable is not 'wa' the initials

# Surnames that are read otherwise than the same character elsewhere.
_SURNAMES = {
    pair[0]: pair[1:]
    for pair in re.findall(
        r"\w+",
        """
        单shan 解xie 仇qiu 区ou 查zha 盖ge 朴piao 曾zeng 翟zhai 尉yu 乐yue 覃qin 任ren 华hua
        宁ning 冼xian 缪miao 种chong 卜bu 谌chen 宓mi 逄pang 郇xun 祭zhai 隗wei 尹yin
        """,
    )
}
# Every syllable of the table; only used to propose candidates, so that one too many is harmless.
SYLLABLES: tuple[str, ...] = tuple(
    re.findall(
        r"\w+",
        """
        a ai an ang ao ba bai ban bang bao bei ben beng bi bian biang biao bie bin bing bo
        bong bu ca cai can cang cao ce cei cen ceng cha chai chan chang chao che chen cheng
        chi chong chou chu chua chuai chuan chuang chui chun chuo ci cong cou cu cuan cui cun
        cuo da dai dan dang dao de den deng di dian diao die din ding diu dong dou du duan dui
        dun duo e ei en eng er fa fan fang fei fen feng fiao fo fou fu ga gai gan gang gao ge
        gei gen geng gong gou gu gua guai guan guang gui gun guo ha hai han hang hao he hei
        hen heng hm hong hou hu hua huai huan huang hui hun huo ji jia jian jiang jiao jie jin
        jing jiong jiu ju juan jue jun ka kai kan kang kao ke ken keng kong kou ku kua kuai
        kuan kuang kui kun kuo la lai lan lang lao le lei leng li lia lian liang liao lie lin
        ling liu lo long lou lu luan lun luo lv lve m ma mai man mang mao me mei men meng mi
        mian miao mie min ming miu mo mou mu n na nai nan nang nao ne nei nen neng ni nian
        niang niao nie nin ning niu nong nou nu nuan nun nuo nv nve o ou pa pai pan pang pao
        pei pen peng pi pian piao pie pin ping po pou pu qi qia qian qiang qiao qie qin qing
        qiong qiu qu quan que qun ran rang rao re ren reng ri rong rou ru rua ruan rui run ruo
        sa sai san sang sao se sen seng sha shai shan shang shao she shen sheng shi shou shu
        shua shuai shuan shuang shui shun shuo si song sou su suan sui sun suo ta tai tan tang
        tao te teng ti tian tiao tie ting tong tou tu tuan tui tun tuo wa wai wan wang wei wen
        weng wo wong wu xi xia xian xiang xiao xie xin xing xiong xiu xu xuan xue xun ya yan
        yang yao ye yi yin ying yo yong you yu yuan yue yun za zai zan zang zao ze zei zen
        zeng zha zhai zhan zhang zhao zhe zhen zheng zhi zhong zhou zhu zhua zhuai zhuan
        zhuang zhui zhun zhuo zi zong zou zu zuan zui zun zuo
        """,
    )
)
_MOST_COMPLETIONS = 12  # syllables that one piece may stand for in an expression
_RUN = re.compile(r"(?: [a-z0-9]+)+")


def pinyin_tokens(fields: list[str], syllables: Syllables) -> set[str]:
    """Initials, pairs of neighbouring initials and whole syllables of folded names and remarks."""
    tokens: set[str] = set()
    for field in fields:
        if field.isascii():
            continue
        for run in _RUN.findall(syllables.spell(field)):
            parts = run.split()
            initials = [part[0] for part in parts]
            tokens.update(initials)
            tokens.update(map(add, initials, initials[1:]))
            tokens.update([MARK + part for part in parts if len(part) > 1])
    return tokens


class Syllables(dict[int, str]):
    """Code point → " syllable", for `str.translate`; filled from `search_syllable` on demand."""

    def __init__(self, connection: sqlite3.Connection | Database) -> None:
        self._connection = connection

    def __missing__(self, cp: int) -> str:
        if cp < 128:
            ch = chr(cp)
            # Gaps and dashes do not part a name: 'A-王 姐' is found by 'awj'.
            found = f" {ch}" if ch.isalnum() else "" if ch in " -_." else ch
        elif _is_chinese(cp):
            syllable = self._look_up(cp)
            found = f" {syllable}" if syllable else chr(cp)
        else:
            found = chr(cp)
        self[cp] = found
        return found

    def _look_up(self, cp: int) -> str:
        row = self._connection.execute(
            "SELECT syllable FROM search_syllable WHERE ch = ?", (cp,)
        ).fetchone()
        return row[0] if row else ""

    def spell(self, field: str) -> str:
        """A folded name or remark as " wang xiao ming"; what has no reading stays as it is."""
        if field[:1] in _SURNAMES:
            return f" {_SURNAMES[field[0]]}{field[1:].translate(self)}"
        return field.translate(self)


class WritingSyllables(Syllables):
    """Learns readings not seen before; lives as long as one transaction, never longer."""

    def _look_up(self, cp: int) -> str:
        row = self._connection.execute(
            "SELECT syllable FROM search_syllable WHERE ch = ?", (cp,)
        ).fetchone()
        if row:
            return str(row[0])
        reading = readings().get(cp, "").partition(",")[0].replace("ü", "v")
        plain = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
        syllable = "".join(ch for ch in plain if "a" <= ch <= "z")
        # The reading is kept for good: what is taken out later must be what was put in.
        self._connection.execute("INSERT INTO search_syllable VALUES (?, ?)", (cp, syllable))
        return syllable


@cache
def readings() -> dict[int, str]:
    """Every character's readings as pypinyin has them, "zhòng,chóng": only for what is never seen.

    Its one file, which takes 30 ms: the package itself loads all its phrases first, for 150 ms.
    """
    package = util.find_spec("pypinyin")
    assert package is not None
    assert package.submodule_search_locations
    path = Path(package.submodule_search_locations[0], "pinyin_dict.py")
    spec = util.spec_from_file_location("storeops_pinyin_dict", path)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table: dict[int, str] = module.pinyin_dict
    return table


def _is_chinese(cp: int) -> bool:
    return 0x3400 <= cp <= 0x9FFF or cp == 0x3007 or 0x20000 <= cp <= 0x323AF


def pattern(letters: str) -> re.Pattern[str]:
    """What `letters` (folded, ASCII) looks like in a text that `Syllables.spell` made."""
    return re.compile(" " + "(?:[a-z0-9]* )?".join(letters))


def expression(letters: str) -> str:
    """The FTS5 expression that proposes the customers a word may mean.

    Where a word can be cut in too many ways only its beginning is asked for; `pattern` decides.
    """
    length = min(len(letters), 8)
    while length > 1 and len(cuts(letters[:length])) > 24:
        length -= 1
    ways = set()
    for pieces in cuts(letters[:length]):
        initials = [piece[0] for piece in pieces]
        terms = {f'"{pair}"' for pair in map(add, initials, initials[1:])}
        for piece in pieces:
            whole = _completions(piece) if len(piece) > 1 else ()
            if 0 < len(whole) <= _MOST_COMPLETIONS:
                terms.add("(" + " OR ".join(f'"{MARK}{each}"' for each in whole) + ")")
        ways.add(" AND ".join(sorted(terms)) if terms else f'"{initials[0]}"')
    return " OR ".join(f"({way})" for way in sorted(ways))


def decides(letters: str) -> bool:
    """Whether `expression` proposes nobody too many: for one letter, or two that begin few
    syllables."""
    return len(letters) == 1 or len(_completions(letters)) <= _MOST_COMPLETIONS


@cache
def _completions(piece: str) -> tuple[str, ...]:
    return tuple(each for each in SYLLABLES if each.startswith(piece))


def cuts(letters: str) -> list[list[str]]:
    """All ways to cut `letters` into beginnings of syllables; single characters always may be."""
    if not letters:
        return [[]]
    ways = []
    for size in range(1, min(len(letters), 6) + 1):
        piece = letters[:size]
        if size == 1 or _completions(piece):
            ways += [[piece, *rest] for rest in cuts(letters[size:])]
    return ways
