"""What the names in a ZIP were written in, where the archive does not say.

Most tools write the bytes of the machine that they run on: GBK in China, Shift JIS in Japan. All
undeclared names of an archive decide together, and only where one reading is much better than any
other: else their bytes are shown.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import partial

SURE = 0.6
"""Least worth of a reading that is believed, from 0 to 1."""
AHEAD = 1.3
"""How many times the next best reading's worth it must have."""
EVIDENCE = 0.6
"""Least lead over the next best, summed over the letters: one character proves nothing."""
JUDGED = 200
"""Characters of a name that are looked at."""
_IN_UTF8 = 0x800  # the flag of an entry whose name is declared
_UNICODE_PATH = 0x7075  # Info-ZIP's extra field with the name in UTF-8

# Characters that are common in names of files, of folders and of defects.
_SIMPLIFIED = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种"
    "面而方后多定行学法所民得经三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把"
    "性好应开它合还因由其些然前外天四日那事平形相全表间样与关各重新线内数正心反明看原又利比或但质气第向道变"
    "条只没结解问意建月公无系情者最立代想已通并提直题程展五果料象员位入常文总次品式活设及管特件长求老头基资"
    "边流路级少图统接知较将组见计别手角期根运指几九区强放决西做必先回则任取据处车左右白黑红划痕裂纹脏污缺口"
    "凹陷泡杂良格坏破损针孔毛刺锈斑色差焊漏油照片像检测训练副掩码标注夹试复拷贝编号零金属板玻璃木布螺钉崩擦伤"
    "背景轴承齿轮皮革瓷砖牙刷胶囊药片瓶盖材丝母电芯漆涂镀颗粒压折皱翘曲错位印异渍露边角未透浅深脱落"
)
_TRADITIONAL = (
    "的一是在不了有和人這中大為上個國我以要他時來用們生到作地於出就分對成會可主發年動同工也能下過子說產種"
    "面而方後多定行學法所得經三之進著等部度家電力裡如水化高自二理起小物現實加量都兩體製機當使點從業本去把性"
    "好應開合還因由其些然前外天日事平形相全表間樣與關各重新線內數正心反明看原又利比或但質氣第向道變條結解問"
    "意建月公無系情者最立代想已通並提直題程展果料象員位入常文總次品式活設及管特件長求頭基資邊流路級少圖統接"
    "知較將組見計別手角期根指區強放決做必先回則任取據處車左右劃痕裂紋髒污缺口凹陷泡雜良瑕疵破損孔毛刺鏽斑焊"
    "照片影像檢測訓練夾副試複製號零金屬板玻璃木布螺絲刮傷"
    "背景軸承齒輪皮革磁磚牙刷膠囊藥片瓶蓋材母晶漆塗鍍顆粒壓摺皺翹曲錯位印異漬露邊角未透淺深脫落"
)
_KANA = "".join(map(chr, range(0x3041, 0x30FD)))
_KANJI = (
    "日本一人大年出中会国上生事自分者時行物見学手月場新方部同明業内社発高地動間前下全性力今体子数入化目先気"
    "定市身度点品作田開不表実意良回最小法相理正対関主長水原成用制連代運信報題通現機経立加工調特傷割欠陥汚異"
    "常外観検査画像写真試料製金属錆穴曲折変形塗装溶接溝線面寸合格見番号左右裏欠損打痕異物黒白赤色焼気泡板基"
    "背景軸受歯車布革木瓶錠剤基板端子巻込剥染錆検正未充填浅深片角縁"
)
_HANGUL = (
    "이다는을가에의고하지은도를한기로사자인정리서어시일대그부수상들나제아전스원과보여조해만장주성공구동있위면경"
    "요으라관선신세유개적중할안소문국와오간물년업재분내무실생합품연식방발교회미계비되심우결등진영당입금단화러마"
    "트작모용터현체양강판민말통음것명행반프석산역류설치불량균열파손염긁힘흠집크랙래킹폴더새복본검함샘플테훈련데"
    "습외표색변형찍눌멍포접녹얼룩부품조각깨짐휨홈나무벽돌타일캡슐케이블"
)

_Ranges = tuple[tuple[int, int, float], ...]
_ASIAN: dict[str, tuple[str, int, _Ranges]] = {
    "gbk": (_SIMPLIFIED, 0xA1, ((0xA1, 0xA3, 0.5), (0xB0, 0xD7, 0.5), (0xD8, 0xF7, 0.3))),
    "cp950": (_TRADITIONAL, 0x40, ((0xA1, 0xA3, 0.5), (0xA4, 0xC6, 0.5), (0xC9, 0xF9, 0.3))),
    "cp932": (_KANA + _KANJI, 0x40, ((0x81, 0x82, 0.5), (0x88, 0x97, 0.5), (0x98, 0xEA, 0.3))),
    "cp949": (_HANGUL, 0xA1, ((0xA1, 0xA3, 0.5), (0xB0, 0xC8, 0.5))),
}
"""Common characters; least second byte of ordinary ones; what first bytes are worth."""
_WESTERN = ("cp437", "cp850", "cp852", "cp1252")
_RARE = 0.2


def names(infos: Sequence[zipfile.ZipInfo]) -> tuple[list[str], int]:
    """The entries' names as their maker wrote them, and how many of them are not sure.

    In the latter each byte that is not ASCII, and each %, is written as %FF.
    """
    found: dict[int, str] = {}
    bytes_of: dict[int, bytes] = {}
    for index, info in enumerate(infos):
        if info.flag_bits & _IN_UTF8:
            found[index] = info.orig_filename
            continue
        raw = info.orig_filename.encode("cp437")  # as zipfile has read it
        declared = _unicode_path(info.extra, raw)
        if declared is not None:
            found[index] = declared
        elif raw.isascii():
            found[index] = raw.decode("ascii")
        else:
            bytes_of[index] = raw
    read = reading(list(bytes_of.values()))
    unsure = 0 if read else len(bytes_of)
    found |= zip(bytes_of, read or map(_escaped, bytes_of.values()), strict=True)
    return [found[index] for index in range(len(infos))], unsure


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The name in an extra field, if that was made for these bytes."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(field) > 5:
            version, check = struct.unpack_from("<BL", field)
            if version == 1 and check == zlib.crc32(raw):
                try:
                    return field[5:].decode()
                except UnicodeDecodeError:
                    return None
    return None


def _escaped(raw: bytes) -> str:
    return "".join(chr(c) if c < 128 and c != ord("%") else f"%{c:02X}" for c in raw)


def reading(raws: Sequence[bytes]) -> list[str] | None:
    """The names as text, or None where no reading of them all is sure."""
    candidates: dict[str, Callable[[str], float]] = {"utf-8": _utf8_worth}
    candidates |= {encoding: partial(_asian_worth, encoding) for encoding in _ASIAN}
    candidates |= {encoding: _latin_worth for encoding in _WESTERN} | {"cp866": _cyrillic_worth}
    worth: dict[tuple[str, ...], float] = {}
    for encoding, judge in candidates.items():
        try:
            texts = tuple(raw.decode(encoding) for raw in raws)
        except UnicodeDecodeError:
            continue
        worth[texts] = max(worth.get(texts, 0), judge("/".join(text[:JUDGED] for text in texts)))
    ranked = sorted(worth, key=lambda texts: -worth[texts])
    if not ranked or worth[ranked[0]] < SURE:
        return None
    if len(ranked) > 1:
        best, next_best = worth[ranked[0]], worth[ranked[1]]
        if best < AHEAD * next_best or (best - next_best) * _letters(ranked[0]) < EVIDENCE:
            return None
    return list(ranked[0])


def _letters(texts: Sequence[str]) -> int:
    """What a reading was judged by: in scripts with words the letters of these, else characters."""
    text = "/".join(texts)
    others = [c for c in text if c > "\x7f"]
    return len("".join(_words(text))) if all(c < "\u0800" for c in others) else len(others)


def _asian_worth(encoding: str, text: str) -> float:
    """The mean over the characters: 1 for a common one, 0 for the whole if one is no character."""
    common, least, ranges = _ASIAN[encoding]
    each = []
    for character in (c for c in text if c > "\x7f"):
        if unicodedata.category(character) in ("Co", "Cn", "Cc"):
            return 0
        code = character.encode(encoding)
        ordinary = [w for low, high, w in ranges if low <= code[0] <= high and code[-1] >= least]
        if character in common:
            each.append(1.0)
        else:
            each.append(ordinary[0] if len(code) == 2 and ordinary else _RARE)
    return sum(each) / len(each) if each else 0


def _utf8_worth(text: str) -> float:
    """Hardly any other bytes are UTF-8 of three or four bytes a character by chance."""
    if any(unicodedata.category(c) in ("Co", "Cn", "Cc") for c in text):
        return 0
    if any(c >= "\u0800" for c in text):
        return 2
    return 0.95 if _latin_worth(text) or _cyrillic_worth(text) else 0.8


def _words(text: str) -> list[str]:
    """The runs of letters, with their combining marks, in which there are others than ASCII's."""
    found = re.findall(r"(?:[^\W\d_]|[\u0300-\u036f])+", text)
    return [word for word in found if not word.isascii()]


def _latin_worth(text: str) -> float:
    """Words of Latin letters, mostly ASCII's, with capitals where words have them."""
    words = _words(text)
    letters = "".join(words)
    others = [c for c in letters if c > "\x7f"]
    good = (
        len(others) == sum(c > "\x7f" for c in text)
        and all(unicodedata.name(c, "").startswith(("LATIN", "COMBINING")) for c in others)
        and len(letters) >= 2 * len(others)
        and all(word in (word.lower(), word.upper(), word.capitalize()) for word in words)
    )
    return (0.8 if len(letters) >= 3 * len(others) else 0.6) if words and good else 0


def _cyrillic_worth(text: str) -> float:
    """Words of Cyrillic letters, with capitals where words have them; short ones prove little."""
    words = _words(text)
    letters = "".join(words)
    good = (
        len(letters) == sum(c > "\x7f" for c in text)
        and all("\u0400" <= c <= "\u045f" for c in letters)
        and all(word in (word.lower(), word.upper(), word.capitalize()) for word in words)
    )
    longest = max(map(len, words), default=0)
    return (0.8 if longest >= 3 else 0.5) if good and longest else 0
