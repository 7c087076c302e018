"""generate.py SEED COUNT CASES - templates with variables, as JSON lines; the same for the same seed. A third are changed cases of CASES, the
rest come from the grammar with some weight on its corners, or try the filters on hostile values."""
import json
import random
import sys

R = random.Random(int(sys.argv[1]))
COUNT = int(sys.argv[2])
CASES = [json.loads(line) for line in open(sys.argv[3])]

VARIABLES = {
    "A": "1", "B": "two", "Name": "Bob", "E": "", "F": "False", "T": "True", "L": "a,b,c",
    "J": '{"k":"v","n":1.50,"l":[1,"x",{"y":"z"}],"o":{"p":"#{A}"},"t":true,"z":null,"d":"2023-07-04T10:20:30Z"}',
    "JA": '["p","q",3]', "P[web].Port": "80", "P[api].Port": "81", "P[web]": "WW", "V": "#{Name}!", "W": "##{A}",
    "X": "#{Nope} #{A", "N": "-2.5", "Q": "#{L},#{B}", "Key": "web", "M[a].S[x].V": "ax", "M[a].S[y].V": "ay",
    "G[a][x]": "1", "G[a][y]": "2", "Nest": "#{if T}y#{else}#{Nope}#{/if}", "Nul": "#{A | null}", "i": "outer",
}
NAMES = "A B Name E F T L J JA P V W X N Q Key M G Nope Nest Nul i x".split()
ODD_NAMES = ["my var", "in", "if A", "each", "a-b", "x:y", "é", "A ", "else", "P [web]", "A  B", "calc 1", "é1", "@a", "~(",
             "Stand in q", "A == B", "Octopus.Template.Each.Index", "Octopus", "Octopus.Template.Each.Last"]
FILTERS = ("ToUpper ToLower Append Prepend Trim Truncate Substring Replace Match Contains Format null Null HtmlEscape JsonEscape "
           "Indent Sha1 VersionMajor UriPart FromBase64 Nope ToBase64 StartsWith").split()


def blank():
    return R.choice(["", "", " "])


def symbol(depth=0):
    s = R.choice(NAMES) if R.random() < .8 else R.choice(ODD_NAMES)
    for _ in range(R.choice([0, 0, 0, 0, 1, 1, 2, 3])):
        kind = R.random()
        if kind < .35:
            s += "." + R.choice(["Port", "k", "n", "l", "o.p", "d", "z", "t", "0", "1", "S", "V", "x", "Key", "Value", " k", "k ", ""])
        elif kind < .6:
            s += "[" + R.choice(["web", "api", "0", "1", "*", "x", "a", "-1", "9", " 1", "1 ", "", "a[b]", "[", "k"]) + "]"
        elif depth < 2:
            s += "[" + blank() + "#{" + blank() + (symbol(depth + 1) if kind < .8 else expression(depth + 1)) + blank() + "}" + blank() + "]"
    return s


def option(depth):
    kind = R.random()
    if kind < .35:
        return R.choice("a b 1 2 -3 x- start end Host utf8 l o 1.5 N2 yyyy".split())
    if kind < .6:
        return '"' + R.choice(["a b", "", "x", "1", "a#", "}", "|", "\\", "[a-z]", "$0", "o"]) + '"'
    if kind < .7:
        return '\\"' + R.choice(["q", "#{A}", 'a"b', ""]) + '\\"'
    return "'x'" if kind < .72 else token(depth + 1)


def expression(depth=0):
    s = symbol(depth) if R.random() < .95 else ""
    for _ in range(R.choice([0, 0, 0, 1, 1, 2])):
        s += R.choice([" | ", "|", " |", "| "]) + R.choice(FILTERS)
        for _ in range(R.choice([0, 0, 1, 1, 2])):
            s += R.choice([" ", " ", " ", "  ", ""]) + option(depth)
    return s


def condition(depth):
    kind, operator = R.random(), R.choice([" == ", " != ", "==", " ==", "!= ", " = ", " === "])
    if kind < .5:
        return expression(depth)
    if kind < .75:
        return expression(depth) + operator + R.choice(['"1"', '"Bob"', '""', '\\"v\\"', '"a#"', "'x'"])
    if kind < .9:
        return expression(depth) + operator + expression(depth)
    return R.choice(['"Bob"', '\\"1\\"']) + operator + expression(depth)


def arithmetic(depth=0):
    kind = R.random()
    if kind < .4 or depth > 3:
        return R.choice(["1", "2.5", ".5", "10", "A", "N", "{A}", "{ N }", "J.n", "5.", "-1", "x", "0", "1e3", "A ", "P[web].Port", "{Nope}"])
    if kind < .8:
        return arithmetic(depth + 1) + R.choice(["+", "-", "*", "/", " + ", " * ", " - ", "/ "]) + arithmetic(depth + 1)
    return "(" + blank() + arithmetic(depth + 1) + blank() + ")"


def token(depth=0):
    kind = R.random() * (.4 if depth > 3 else 1)
    if kind < .5:
        return "#{" + R.choice(["", "", " ", "\n"]) + expression(depth) + blank() + "}"
    if kind < .7:
        word = R.choice(["if", "if", "if", "unless", "IF", "Unless"])
        s = "#{" + blank() + word + R.choice([" ", " ", "  ", ""]) + condition(depth) + blank() + "}" + body(depth + 1)
        for _ in range(R.choice([0, 0, 0, 1, 2])):
            s += "#{elseif" + R.choice([" ", " ", "\t", ""]) + condition(depth) + "}" + body(depth + 1)
        if R.random() < .5:
            s += R.choice(["#{else}"] * 6 + ["#{Else}", "#{ else }"]) + body(depth + 1)
        return s + ("#{/" + (word.lower() if R.random() < .95 else R.choice(["if", "unless", "each"])) + "}" if R.random() < .92 else "")
    if kind < .85:
        s = "#{" + blank() + R.choice(["each", "each", "Each"]) + " " + R.choice(["x", "i", "item", "x ", "A", "my x"])
        s += R.choice([" in ", " in ", " in ", "  in  ", " In "]) + (symbol(depth) if R.random() < .95 else expression(depth)) + blank() + "}"
        s += body(depth + 1) + R.choice(["", "#{x}", "#{x.Port}", "#{i}", "#{Octopus.Template.Each.Index}", "#{x.Key}=#{x.Value}"])
        return s + ("#{/each}" if R.random() < .93 else "")
    return "#{" + R.choice(["calc ", "calc", "Calc ", " calc "]) + arithmetic() + blank() + "}"


def body(depth):
    texts = ["a", " ", "x y", "#", "##", "##{", "###{", "}", "{", "\n", "é", "😀", "", "\\", '"', "#{", "####{A}", "#}", "[", "]", "."]
    return "".join(R.choice(texts) if R.random() < .5 else token(depth) for _ in range(R.choice([0, 1, 1, 2, 2])))


def changed(text):
    s = list(text)
    for _ in range(R.choice([1, 1, 2, 3])):
        if not s:
            break
        at, kind = R.randrange(len(s)), R.random()
        if kind < .3:
            del s[at]
        elif kind < .6:
            s.insert(at, R.choice(list("#{}[]|.\" =!/ina\\") + ["#{", "}", "#{/if}", "#{else}", "##"]))
        elif kind < .8:
            s[at] = R.choice('#{}[]|." =!/\\')
        else:
            first, last = sorted((at, R.randrange(len(s))))
            s[first:last] = s[first:last] * R.choice([0, 2])
    return "".join(s)[:300]


def quoted(text):
    return '\\"' + text.replace('\\"', "") + '\\"'


def number():
    if R.random() < .15:
        return R.choice(["0", "-0", "0.0", "1,234", "5-", "- 5", "(5)", " 7 ", "1e3", "Infinity", "nan", ".5", "5.", "", ".", "79228162514264337593543950335",
                         "79228162514264337593543950336", "2147483647", "-2147483648", "1.10", "1.5e300", "5e-324", "0x1F", "٣"])
    s = R.choice(["", "", "-"]) + str(R.randrange(10 ** R.randrange(1, 19)))
    return s + ("." + "".join(R.choice("0123456789") for _ in range(R.randrange(1, R.choice([3, 8, 20])))) if R.random() < .6 else "")


def date():
    year, month, day = R.choice(["2023", "2024", "1999", "23", "99", "0001", "9999"]), R.randrange(1, 13), R.randrange(1, 32)
    name = R.choice(["Jan", "February", "mar", "JULY", "Sep", "Dec", "May"])
    s = R.choice([f"{year}-{month:02}-{day:02}", f"{month}/{day}/{year}", f"{day} {name} {year}", f"{name} {day}, {year}", f"{year}.{month}.{day}", f"{year}-{month:02}"])
    if R.random() < .7:
        s += R.choice([" ", "T", "T", ", "]) + f"{R.randrange(25):02}:{R.randrange(60):02}" + R.choice(["", ":07", ":59.1234567", " PM", "AM"])
        s += R.choice(["", "", "Z", "+05:30", "-0800", " GMT"])
    return s


def filter_case():
    kind = R.randrange(4)
    if kind == 0:
        places = ["0", "#", "00", ".", ",", "0,0", "%", "E+0", "e0", "'x'", "x", "\\", " ", "-", ";", "0.00", "‰"]
        spec = R.choice("CDEFGNPRXBcdefgnprxbZq") + R.choice(["", "0", "2", "5", "20"]) if R.random() < .5 else "".join(R.choice(places) for _ in range(R.randrange(1, 9)))
        return "#{v | Format " + R.choice(["", "int ", "double ", "decimal "]) + quoted(spec) + "}", number()
    if kind == 1:
        places = ["d", "dd", "ddd", "MMM", "MMMM", "yy", "yyyy", "h", "HH", "mm", "ss", "f", "fff", "FFF", "tt", "zzz", "K", "g", " ", "-", "/", ":", "'q'", "%d", "\\"]
        spec = R.choice("dDfFgGmMoOrRstTuUyYq") if R.random() < .4 else "".join(R.choice(places) for _ in range(R.randrange(1, 8)))
        return "#{v | Format " + R.choice(["", "date ", "datetimeoffset "]) + quoted(spec) + "}", date()
    if kind == 2:
        part = R.choice(["Major", "Minor", "Patch", "Revision", "PreRelease", "PreReleasePrefix", "PreReleaseCounter", "Metadata"])
        version = R.choice(["", "v", " "]) + ".".join(R.choice(["1", "0", "01", "2147483648", " 1", "1 "]) for _ in range(R.randrange(6)))
        return "#{v | Version" + part + "}", version + R.choice(["", "-", "_", ".", "+"]) + R.choice(["", "beta.1", "rc-7", "a_2.x", "a b", "!x", "5", "b+meta"])
    escape = R.choice("HtmlEscape XmlEscape JsonEscape YamlSingleQuoteEscape YamlDoubleQuoteEscape PropertiesKeyEscape PropertiesValueEscape UriEscape UriDataEscape ToUpper "
                      "Trim ToBase64 FromBase64 Md5 Indent".split() + ["Truncate 3", "Substring 1 2", "Indent 1/3", "Sha256 4"])
    characters = list("aB<>&\"'/\\:= \n\r\t%#{}é☃😀ÿ\u00a0\u200b\x7f\x01+=") + ["\r\n", "QUJD", "%41"]
    return "#{v | " + escape + "}", "".join(R.choice(characters) for _ in range(R.randrange(12)))


def case():
    kind = R.random()
    if kind < .3:
        origin = R.choice(CASES)
        variables = dict(origin["variables"])
        if variables and R.random() < .3:
            name = R.choice(list(variables))
            variables[name] = changed(variables[name] or "")
        return changed(origin["template"]) if R.random() < .7 else origin["template"], variables
    if kind < .6:
        template, value = filter_case()
        return template, {"v": value}
    variables = dict(VARIABLES)
    for _ in range(R.choice([0, 0, 1, 2])):
        variables[R.choice(NAMES)] = body(2)
    template = body(0)
    return changed(template) if R.random() < .3 else template, variables


made = 0
while made < COUNT:
    text, values = case()
    # Today's date differs; many open blocks take the original exponential time.
    if len(text) > 400 or text.lower().replace(" ", "").count("#{if") > 6 or "now" in text.lower():
        continue
    made += 1
    line = {"id": f"generated-{made}", "template": text, "variables": values}
    if R.random() < .35:
        line["haltOnError"] = False
    print(json.dumps(line, ensure_ascii=False))
