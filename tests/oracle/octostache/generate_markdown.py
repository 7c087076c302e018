"""generate_markdown.py SEED COUNT - cases for the Markdown filter, as JSON lines: texts as people write them, block below block."""
import json,random,sys
R=random.Random(int(sys.argv[1])); ch=R.choice
W="the quick brown fox release notes v1.2.3 deploy to production fixed bug #12 user's \"quoted\" a & b x < y é naïve 5 * 3 snake_case_name C# 100% (see below) e.g. etc... don't".split(" ")
def words(n=6): return " ".join(ch(W) for _ in range(R.randrange(1,n)))
U=["https://example.com","http://example.com/a/b?x=1&y=2","https://example.com/path_with_underscores","https://a.b.example.co.uk:8080/x#frag","www.example.com","www.example.com/x.","ftp://files.example.com/f","mailto:joe@example.com","tel:+1234","http://localhost","https://localhost:8080/x","http://example","https://example.com/a(b)c","https://example.com/),","https://example.com/é","HTTP://EXAMPLE.COM","http://127.0.0.1/x","https://example.com.","joe@example.com","example.com","https://example.com/a*b*","https://example.com/~x~"]
def inl(d=0):
    k=R.random()
    if k<.3 or d>2: return words()
    x=lambda: inl(d+1)
    return ch([lambda:"*%s*"%words(3),lambda:"**%s**"%words(3),lambda:"_%s_"%words(3),lambda:"__%s__"%words(3),lambda:"***%s***"%words(2),lambda:"~~%s~~"%words(3),lambda:"~%s~"%ch(["2","x","a b"]),lambda:"^%s^"%ch(["2","x","a b"]),lambda:"++%s++"%words(3),lambda:"==%s=="%words(3),lambda:"`%s`"%words(3),lambda:"``a ` b``",lambda:"[%s](%s)"%(words(3),ch(U)),lambda:"[%s](%s \"%s\")"%(words(2),ch(U),words(2)),lambda:"![%s](%s)"%(words(2),ch(["img.png","http://e.x/i.png 'T'","<a b.png>"])),lambda:"[ref]",lambda:"[%s][ref]"%words(2),lambda:"[ref][]",lambda:"[nope]",lambda:"[x][nope]",lambda:ch(U),lambda:ch(U),lambda:"(%s)"%ch(U),lambda:"<%s>"%ch(U),lambda:"<b>%s</b>"%words(2),lambda:"<br/>",lambda:"<!-- c -->",lambda:"&amp; &lt; &copy; &#35; &nbsp;",lambda:"\\*%s\\*"%words(2),lambda:"\\[x\\](y)",lambda:"\\# \\_ \\~ \\^ \\+ \\= \\|",lambda:"**%s**"%x(),lambda:"*%s*"%x(),lambda:"~~%s~~"%x(),lambda:"a*b*c",lambda:"a_b_c",lambda:"a~~b~~c",lambda:"H~2~O",lambda:"x^2^",lambda:"a++b++c",lambda:"C++ and C++",lambda:"a == b == c",lambda:"a ==b== c",lambda:"~/path ~/x",lambda:"2^10 = 2^5 * 2^5",lambda:"i++ + j++",lambda:"**bold *it* x**",lambda:"*a **b** c*"])()
def line(): return (" ".join(inl() for _ in range(R.randrange(1,4))))
def para(): return "\n".join(line()+ch(["","","","  ","\\"]) for _ in range(R.randrange(1,3)))
def item(m,ind=""): return ind+m+" "+line()
def block(d=0):
    k=ch("ppphhslltqcfrHDnTT") 
    if k=="p": return para()
    if k=="h": return "#"*R.randrange(1,7)+" "+line()+ch([""," ##"])
    if k=="s": return line()+"\n"+ch(["===","---","-----"])
    if k=="l":
        m=ch(["-","*","+"]) ; o=[]
        for _ in range(R.randrange(1,4)):
            o.append(item(m))
            if R.random()<.3: o.append(item(ch(["-","*","1."]),ch(["  ","    ","   "])))
            if R.random()<.15: o.append("")
            if R.random()<.1: o.append("  "+line())
            if R.random()<.08: o.append("\n  "+line())
        return "\n".join(o)
    if k=="t":
        s=R.randrange(0,5); c=ch(".)")
        return "\n".join("%d%s %s"%(ch([s+i,1,s+i]),c,line()) for i in range(R.randrange(1,4)))
    if k=="n": return "- [%s] %s\n- [ ] %s"%(ch("xX "),line(),line())
    if k=="q": return "\n".join(ch(["> ",">"])+l for l in block(d+1).split("\n")) if d<2 else "> "+line()
    if k=="c": return "\n".join("    "+words() for _ in range(R.randrange(1,3)))
    if k=="f":
        f=ch(["```","~~~","````"]); return f+ch(["","","js"," json","c# x=1"])+"\n"+ch(["a < b && c\n  x\n","","{\"a\": 1}\n\n*no*\n"])+f
    if k=="r": return ch(["---","***","___","* * *"])
    if k=="H": return ch(["<div>\n%s\n</div>","<p>%s</p>","<details>\n\n%s\n\n</details>","<!-- %s -->","<table><tr><td>%s</td></tr></table>","<span>%s</span> after"])%line()
    if k=="D": return "[ref]: %s%s"%(ch(["http://r.example","<http://r.example/a b>","/x"]),ch([""," \"Title\""," 'T'"]))
    n=R.randrange(1,4); pipe=R.random()<.8
    row=lambda f: ("| "+" | ".join(f() for _ in range(n))+" |") if pipe or n<2 else " | ".join(f() for _ in range(n))
    cell=lambda: ch([lambda:words(3),inl,lambda:"a \\| b",lambda:"`x | y`",lambda:""])()
    return "\n".join([row(lambda:words(2)),row(lambda:ch(["---",":--",":-:","--:","-"]))]+[row(cell) for _ in range(R.randrange(0,4))])
for _ in range(int(sys.argv[2])):
    md=ch(["\n\n","\n\n","\n\n","\n"]).join(block() for _ in range(ch([1,1,1,2,3])))
    if R.random()<.3: md=line()
    if R.random()<.1: md=md.replace("\n","\r\n")
    print(json.dumps({"template":"#{v | Markdown}","variables":{"v":md},"group":"md"},ensure_ascii=False))
