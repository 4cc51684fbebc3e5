"""What varies in messages, as a table: `parameterize` puts these patterns together and says how they are applied.

Every quantifier has an end, and none stands inside another over the same characters: no text makes matching slow.
"""

from __future__ import annotations

from dataclasses import dataclass

END = r"(?!\w)"
_SIGN = r"(?:(?<![\w)\]])[-+])?"
_CLOCK = r"\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:\s?[AaPp](?:\.[Mm]\.|[Mm]\b))?"
_SHORT_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,9})?(?:\s?[AaPp](?:\.[Mm]\.|[Mm]\b)| Uhr\b)?"
_ZONE = (
    r"(?:\s?(?:Z\b|(?:UTC|GMT)\b(?:[+-]\d{1,4})?|[+-]\d{2}:?\d{2}(?!\d)|(?:CES?T|EES?T|WES?T|BST|[ECMP][SD]T|JST|IST)\b)"
    r"(?:\s\([A-Za-z ]{1,40}\))?)?"
)
DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},?\s"
MONTH = (  # also in German
    r"(?:(?:Jan|Feb|Apr|Jun|Jul|Aug|Sep|Nov)[a-z]{0,6}|M(?:ar|är|rz)[a-z]{0,2}|Ma[iy]|O[ck]t[a-z]{0,5}"
    r"|De[cz][a-z]{0,6})"
)
_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_PAIRS = r"[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6}"
_IPV6 = rf"(?:[0-9A-Fa-f]{{1,4}}:){{7}}[0-9A-Fa-f]{{1,4}}|(?:{_PAIRS})?::(?:ffff:(?:{_BYTE}\.){{3}}{_BYTE}|{_PAIRS})?"
_PORT = r"(?::\d{1,5})?"
_TLD = (
    r"(?:com|org|net|edu|gov|io|dev|app|ai|co|cloud|local|internal|lan|info|biz|me|tv|eu|uk|de|fr|nl|ch|at|us|ca|au|jp)"
)
# Nothing is called on a host, and it is not the beginning of a package's name.
_HOST_END = rf"(?![\w(-]|\.\w){_PORT}"
_POD = "[bcdfghjklmnpqrstvwxz2456789]"  # the alphabet of Kubernetes, made so that no word comes out
_UNIT = (
    r"(?:ns|µs|us|ms|secs?|mins?|hrs?|[smhdkKMGTP]|(?:nano|micro|milli)?seconds?|minutes?|hours?|days?|weeks?|months?|"
    r"years?|[kKMGTP]i?[Bb]|bytes?|[ap]\.?m)\b"
)
_DOUBLE = r"\"(?>[^\"\\\n]{1,300}+|\\.){0,30}+\""
_SINGLE = r"'(?>[^'\\\n]{1,300}+|\\.){0,30}+'"
QUOTED = rf"(?:{_DOUBLE}|{_SINGLE})"
_TEXT = rf"(?:{_DOUBLE}|{_SINGLE}|`[^`\n]{{0,300}}`)"
# Nouns whose quoted name is somebody's data, not the program's: `User 'bob'`, but `column 'bob'`.
_DATA = (
    r"(?:user|username|customer|account|tenant|member|order|product|item|article|value|string|number|entry|input|"
    r"literal|character|city|country|title|query|search|token|session|file|filename|folder|path|url|uri|host|hostname|"
    r"login|email|slug|sku|coupon|got|received|was|float|int|integer|uuid|bigint|numeric|"
    r"data|date|timestamp|parsing|voucher|workspace|team|organi[sz]ation)"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` becomes `<name>` where it stands between `before` and `after`, which stay. `examples` show `pattern`.

    `start` says what it may begin with: a `d`igit, a `l`etter, an`o`ther character.
    """

    name: str
    pattern: str
    examples: tuple[str, ...] = ()
    start: str = "dlo"
    before: str = ""
    after: str = ""


# At one place the first that matches wins: add a rule above those that would eat its beginning.
# fmt: off
RULES = (
    # The most frequent of all, first, because it is quickly told: a number before a word that is no unit.
    Rule("number", rf"\d{{1,12}}(?=$|[)\]}}>\n]| (?!{_UNIT})[a-z])", start="d"),
    # --- texts that a person or another program wrote ---
    Rule("str", r"[^()\n]{1,300}", before=r"(?:(?<=\)=)|(?<=value is ))\(", after=r"(?=\))"),  # Postgres: Key (id)=(42)
    Rule("str", _TEXT, start="l", after=END,
         before=rf"(?=[A-Za-z ]{{3,40}}[:=]? ?[\"'`])(?i:{_DATA})(?: with \w{{1,20}})?(?: ?[:=] ?| )(?!['\"`][%{{])"),
    Rule("str", r"[^\s,;&)\]}'\"`<>]{1,200}(?<![.:!?])", start="l",
         before=rf"(?i:{_DATA}|(?:\w{{0,20}}[_-])?id)="),  # logfmt
    Rule("str", QUOTED, start="l", before=r"[bruf](?=['\"])"),  # Python's b'…'
    Rule("str", _DOUBLE, start="l", before=r"(?:(?<=\{)|(?<=, ))[a-z_]\w{0,40}: "),  # Elixir, Ruby, JavaScript
    Rule("values", r"[^{}\n]{1,500}", start="l", before=r"dup key: \{", after=r"(?=\})"),  # MongoDB
    Rule("str", _TEXT, start="d", before=r"(?<=base )\d{1,2}: ", after=END),  # Python's int()
    Rule("values", r"[^()\n]{1,500}(?:\), ?\([^()\n]{1,500}){0,20}", start="l",
         before=r"(?i:values|contains|in(?= ?\([\d'\"])) ?\((?=[^()\n]{0,500}(?:\)|$))"),
    Rule("str", r"[^<>\n]{1,500}", start="o",
         before=r"#<[A-Z][\w:]{0,60}(?= \w{1,30}[:=])", after=r"(?=>)"),  # Ruby's inspect
    Rule("str", r"[^<>\n]{1,200}", start="o", before=r"<[A-Z]\w{0,60}: ", after=r"(?=>)"),  # Django's repr
    # --- addresses ---
    Rule("email", r"[\w.+%-]{1,64}+@[\w-]{1,63}+(?:\.[\w-]{1,63}){1,8}",
         ("ann@example.com", "a.b+c@mail.shop.co.uk")),
    Rule("url", r"[A-Za-z][A-Za-z0-9+.-]{1,15}+://[^\s\"'<>()\[\]{}|\\^`]{1,1000}(?<![.,;:!?])",
         ("https://a.b/c?d=1#e", "tcp://10.0.0.1:80", "postgres://u:p@h/db", "s3://bucket/key.csv"), "l"),
    Rule("url", r"data:[\w/+.-]{1,60}(?:;[\w=-]{1,40}){0,3},[^\s\"'<>)]{0,1000}(?<![.,;])",
         ("data:image/png;base64,iVBORw0KGgo=",), "l"),
    Rule("arn", r"arn:aws[\w-]{0,10}:[\w-]{1,30}:[\w-]{0,30}:\w{0,20}:[^\s\"',;()]{1,300}(?<![.:])",
         ("arn:aws:lambda:eu-west-1:123456789012:function:pay", "arn:aws:s3:::bucket/key"), "l"),
    # --- identifiers ---
    Rule("trace", rf"[0-9a-f]{{2}}-[0-9a-f]{{32}}-[0-9a-f]{{16}}-[0-9a-f]{{2}}{END}",
         ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",), start="dl"),
    Rule("trace", rf"1-[0-9a-f]{{8}}-[0-9a-f]{{24}}{END}",
         ("1-5759e988-bd862e3fe1be46a994272793",), "d"),
    Rule("uuid", rf"[0-9A-Fa-f]{{8}}-(?:[0-9A-Fa-f]{{4}}-){{3}}[0-9A-Fa-f]{{12}}{END}",
         ("7b1c6c0e-2f7b-4c55-9d1e-0f3a8f3c1a2b", "7B1C6C0E-2F7B-4C55-9D1E-0F3A8F3C1A2B"), start="dl"),
    Rule("token", r"eyJ[\w-]{8,1000}(?:\.[\w-]{1,1000}){1,2}",
         ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.dozjgNryP4J3jVmN",), "l"),
    Rule("token", r"(?=[A-Z]{0,60}[a-z])(?=[A-Za-z+/]{0,60}\d)[A-Za-z0-9+/]{20,1000}={1,2}",
         ("aGVsbG8gd29ybGQgaGVsbG8gMQ==",), start="dl"),
    Rule("token", rf"(?:[a-z]{{2,8}}_){{1,2}}(?=[a-z0-9]{{0,40}}[A-Z])(?=[A-Za-z]{{0,40}}\d)[A-Za-z0-9]{{14,64}}{END}",
         ("cus_NffrFeUfNV2Hib", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"), "l"),
    Rule("token", r"(?=[\w-]{0,20}[A-Z])(?=[\w-]{0,20}[a-z])(?=[A-Za-z_-]{0,20}\d)[\w-]{21}(?![\w-])",
         ("V1StGXR8_Z5jdHi6B-myT",)),
    # --- dates and times ---
    Rule("date", r"datetime\.(?:datetime|date|time|timedelta)\([\w, =-]{0,80}"
                 r"(?:tzinfo=[\w.]{1,30}(?:\([^()]{0,40}\))?)?\)",
         ("datetime.datetime(2026, 11, 21, 14, 31)", "datetime.date(2026, 1, 2)", "datetime.timedelta(days=-1)",
          "datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)"), "l"),
    Rule("date", rf"\d{{4}}[-/.]\d{{2}}[-/.]\d{{2}}(?:(?:T| |, ){_SHORT_CLOCK}{_ZONE}|{END}(?!-))",
         ("2026-11-21", "2026-11-21T14:31:07.123Z", "2026/11/21 14:31:07", "2026-11-21 14:31:07,123",
          "2026-11-21 14:31:07.123456+00:00", "2026-11-21T14:31Z"), "d"),
    Rule("date", rf"\d{{8}}T\d{{6}}(?:\.\d{{1,9}})?Z?{END}",
         ("20261121T143107Z",), "d"),
    Rule("date", rf"\d{{4}}-W\d{{2}}(?:-\d)?{END}",
         ("2026-W47-6",), "d"),
    Rule("date", rf"(?:{DAY})?\d{{1,2}}(?:\. |[ /-]){MONTH}[ /-]\d{{2,4}}(?:(?:,? |:){_SHORT_CLOCK}{_ZONE})?{END}",
         ("21 Nov 2026", "Sat, 21 Nov 2026 14:31:07 GMT", "21/Nov/2026:14:31:07 +0000",
          "Saturday, 21-Nov-26 14:31:07 UTC", "21. Dezember 2026 14:31", "1 März 2026"), start="dl"),
    Rule("date", rf"(?:{DAY})?{MONTH}\s{{1,2}}\d{{1,2}}(?:,? \d{{4}}{END})?"
                 rf"(?:,? (?:at )?{_SHORT_CLOCK}{_ZONE}(?: \d{{4}})?)?{END}",
         ("Nov 21, 2026", "Nov  1 14:31:07", "Sat Nov 21 14:31:07 2026", "Sat Nov 21 14:31:07 CET 2026",
          "Nov 21, 2026 at 2:31 PM", "Sat Nov 21 2026 14:31:07 GMT+0100 (Central European Standard Time)"), "l"),
    Rule("date", rf"\d{{1,2}}[/.-]\d{{1,2}}[/.-](?:19|20)\d{{2}}(?:,? {_SHORT_CLOCK}{_ZONE})?{END}",
         ("11/21/2026", "21.11.2026", "21-11-2026", "11/21/2026, 2:31:07 PM", "21.11.2026 14:31"), "d"),
    Rule("date", rf"\d{{1,2}}/\d{{1,2}}/\d{{2}}(?:,? {_SHORT_CLOCK})?{END}",
         ("11/21/26", "11/21/26 2:31 PM"), "d"),
    Rule("time", rf"(?:{_CLOCK}{_ZONE}|\d{{1,2}}:\d{{2}}(?:\s?[AaPp](?:\.[Mm]\.|[Mm]\b)| Uhr\b))(?!\w)",
         ("14:31:07", "14:31:07.123", "2:31:07 PM", "2:31 pm", "14:31 Uhr"), "d"),
    # --- machines ---
    Rule("mac", r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![\w:-])",
         ("00:1a:2b:3c:4d:5e", "00-1A-2B-3C-4D-5E"), start="dl"),
    Rule("ip", rf"(?:{_BYTE}\.){{3}}{_BYTE}(?!\w|\.\d)(?:/\d{{1,2}})?{_PORT}{END}",
         ("127.0.0.1", "10.0.0.1:8080", "10.0.0.0/8"), "d"),
    # Version 6. It has a digit somewhere, and nothing is called on it: `Fee::add()` is a method.
    Rule("ip", rf"\[?(?=[A-Fa-f:.]{{0,38}}\d)(?:{_IPV6})(?:%\w{{1,16}})?(?:/\d{{1,3}})?(?![\w:(])(?:\]{_PORT})?",
         ("fe80::1", "2001:db8::8a2e:370:7334", "::1", "fe80::1%eth0", "[::1]:8080", "2001:db8::/32",
          "2001:0db8:85a3:0000:0000:8a2e:0370:7334", "::ffff:10.0.0.1", "[fe80::1%eth0]:443")),
    Rule("host", rf"(?!(?:java|javax|system|com|org|net|io)\.)[a-z0-9](?:[a-z0-9-]{{0,62}}+\.){{2,6}}{_TLD}{_HOST_END}",
         ("api.example.com", "db-1.eu.shop.internal:5432"), start="dl"),
    Rule("host", rf"(?!(?:java|javax|system)\.)(?=[a-z])[a-z0-9-]{{2,63}}+\.(?:com|org|net|edu|gov|info|biz|eu"
                 rf"|local|internal|lan){_HOST_END}",
         ("example.com", "nas.local:445"), "l"),
    Rule("host", r"localhost:\d{1,5}",
         ("localhost:8000",), "l"),
    # --- places on a disk ---
    Rule("path", r"(?:/private)?/(?:tmp|var/tmp|var/folders|dev/shm)/[^\s'\"`:,;()\[\]<>]{1,300}(?<![.!?])",
         ("/tmp/x1234.txt", "/var/folders/zz/T/upload.bin", "/private/tmp/a"), start="o"),  # noqa: S108
    Rule("path", r"[A-Za-z]:\\(?:[^\s\\/'\"<>|:*?]{1,100}\\){0,12}"
                 r"(?i:temp|tmp)\\[^\s'\"<>|:*?,;()\[\]]{1,200}(?<![.!])",
         (r"C:\Users\ann\AppData\Local\Temp\a1.tmp", r"C:\Temp\x.txt"), "l"),
    Rule("home", r"/(?:home|Users)/[\w.-]{1,64}(?=/)", start="o"),
    Rule("home", r"[A-Za-z]:\\Users\\[\w.-]{1,64}(?=\\)", start="l"),
    # --- numbers ---
    Rule("hex", rf"0[xX][0-9A-Fa-f]{{1,64}}{END}",
         ("0x7f8d1cbb9c90", "0XFF"), "d"),
    Rule("version", rf"v?\d{{1,5}}(?:\.\d{{1,5}}){{2,3}}(?:[-+][\w+-]{{1,20}}(?:\.[\w+-]{{1,10}}){{0,3}})?{END}",
         ("1.2.3", "v10.4.1", "2.0.0-rc.1+build5"), start="dl"),
    Rule("duration", rf"(?:\d{{1,5}}[dhm] ?){{1,3}}\d{{1,5}}(?:\.\d{{1,9}})?(?:ms|m|s){END}",
         ("1h30m", "1d2h3m4.5s", "2m 30s"), "d"),
    Rule("duration", rf"{_SIGN}\d{{1,12}}(?:[.,]\d{{1,9}})?\s?(?:ns|µs|us|ms|secs?|mins?|hrs?|s|m|h|d|"
                     rf"(?:nano|micro|milli)?seconds?|minutes?|hours?|days?|weeks?|months?|years?){END}",
         ("12ms", "1.5s", "30 ms", "-5s", "30 seconds", "1 minute", "2 hours", "100 milliseconds"), start="do"),
    Rule("duration", rf"P(?:\d{{1,5}}[YMWD]){{0,4}}T?(?:\d{{1,5}}(?:\.\d{{1,9}})?[HMS]){{1,3}}{END}",
         ("PT1H30M", "P1DT2.5S"), "l"),
    Rule("size", rf"\d{{1,12}}(?:[.,]\d{{1,6}})?\s?(?:[kKMGTP]i?[Bb]|bytes?|[kKMG]){END}",
         ("10MB", "1.5 GiB", "2048 bytes", "512K", "1 byte"), "d"),
    # 1,234.56 and 1.234,56 and 1 and 1e-9 are one kind: who prints a price prints 12 and 12.5.
    Rule("number", rf"{_SIGN}(?:\d{{1,3}}(?:,\d{{3}}){{1,12}}|\d{{1,40}})\.\d{{1,40}}(?:[eE][-+]?\d{{1,4}})?{END}",
         ("3.14", "-0.5", "1,234.56", "6.02e+23"), start="do"),
    Rule("number", rf"{_SIGN}(?:\d{{1,3}}(?:\.\d{{3}}){{1,12}}|\d{{1,12}}),\d{{1,2}}{END}(?!,)",
         ("1.234,56", "12,50"), start="do"),
    Rule("number", rf"{_SIGN}\d{{1,40}}[eE][-+]?\d{{1,4}}{END}",
         ("1e-9", "2E10"), start="do"),
    Rule("number", rf"{_SIGN}(?:\d{{1,3}}(?:,\d{{3}}){{1,12}}|\d{{1,3}}(?:[_' ]\d{{3}}){{1,12}}|\d{{1,80}}){END}",
         ("42", "-7", "4,150,908", "1_000_000", "1'000'000", "1767225600123"), start="do"),
    Rule("number", r"\d{1,9}(?:st|nd|rd|th)\b", ("1st", "42nd"), start="d"),
    # --- quoted after a word: what is no name is somebody's data; in brackets it may be another error's message ---
    Rule("str", "“[^”\n]{0,300}”|„[^“”\n]{0,300}[“”]|«[^»\n]{0,300}»|‘[^’\n]{0,300}’", start="o"),
    Rule("str", _DOUBLE, before=r"(?:(?<=[a-z] )|(?<![\w\W]))(?=\"[^\"\n]{0,200}[^\w\".$*/\\:<>()\[\]{}%=-]|\"\")",
         after=END, start="o"),
    Rule("str", _SINGLE, before=r"(?:(?<=[a-z] )|(?<![\w\W]))(?='[^'\n]{0,200}[^\w'.$*/\\:<>()\[\]{}%=-]|'')",
         after=END, start="o"),
)
# fmt: on

# In the middle of a word: `web-7d9f8b6c5d-x2x9k`, `com.shop.Cart@1a2b3c`, `Thread-12` needs no rule.
INSIDE = (
    Rule("pod", rf"-{_POD}{{6,10}}-{_POD}{{5}}(?![\w-])", ("-7d9f8b6c5d-x2x9k",)),
    Rule("hash", r"[0-9a-f]{3,8}(?![\w.@-])", before=r"(?<=[A-Za-z;])@"),
)

# --- what stays ---

# Names that end in a number, and the numbers of errors: `utf-8`, `HTTP/1.1 404`, `error #418`, `status code 500`.
KEEP = (
    r"(?=[A-Za-z]{1,9}(?: with)?\d{0,2}[^A-Za-z0-9]{1,4}v?\d)"
    r"(?i:(?:utf|ucs|iso|sha|sha3|aes|rsa|cp|latin|windows|base|ecma|rfc|crc|md|es|http|tls|ssl|x86|mp|p|h|python|node"
    r"|php|ruby|java|openssl|tlsv|sslv|ipv|ie|css)"
    r"[-_/]\d{1,5}(?:[-_.]\d{1,3}){0,3}(?: [1-5]\d\d)?\b"
    r"|(?:python|node|php|ruby|java|tls|ssl|openssl) ?v?\d{1,3}(?:\.\d{1,3}){1,3}\b"
    r"|(?:(?:errno|winerror|sqlstate|error|http)(?: ?[#(\[]{1,2}| )|(?:code|status)(?: ?[:=#(\[]{1,2} ?| )|ora-)"
    r"\d{1,5}\b(?![.,:]?\d)"
    r"|(?:returned|responded with|response|answered) [45]\d\d\b(?! \w)|signal \d{1,2}\b"
    r"|cve-\d{4}-\d{1,7}|hresult:? 0x[0-9a-f]{8})"
)
# Keys, in JSON and others, whose values say what went wrong, rather than to whom.
KEEP_KEYS = (
    r"(?=[\"']|[A-Za-z_]{3,20} ?[:=])[\"']?"
    r"(?i:error|err|event|exception|code|type|status|reason|cause|message|msg|desc|description|detail|details|title"
    r"|kind|level|error_?(?:code|type|message))"
    r"[\"']? ?[:=] ?[\"']"
)
# Nouns whose quoted name is the program's, even one of several words.
KEEP_NAMES = (
    r"(?i:column|field|attribute|relation|table|constraint|property|parameter|argument|option|header|module|template"
    r"|function|method|class|type|format|expected) (?:\"[A-Za-z_ .$-]{1,80}\"|'[A-Za-z_ .$-]{1,80}')"
)
# Words with a number that is part of the name: in `ORD12345` it counts the orders, in `TS2322` it names the mistake.
_TECHNICAL = """
aes arm base cp cpython crc cs cve debian e ec ecdsa ed err error es f float ft go gpt h hmac hs html http i ide int
ipv iso java jdk js jsr k lnk md mp ms msb nu netsdk node ntlm oauth ora p pg pgrst php ps py python rfc rs rsa ruby
s sha sql ssl tls ts ubuntu uint utf v w web win windows x z aadsts
"""
TECHNICAL = frozenset(_TECHNICAL.split())
