"""generate_filters.py SEED COUNT [GROUP,GROUP] - cases for one filter or one reader at a time, as JSON lines: pieces that are right, nearly right and
wrong, put together at random. Groups: markdown regex uri uriall uriesc dates numbers jsons versions plain calc text."""
import json,random,sys
R=random.Random(int(sys.argv[1])); N=int(sys.argv[2]); only=sys.argv[3].split(',') if len(sys.argv)>3 else None
ch=R.choice
def many(f,lo,hi): return "".join(f() for _ in range(R.randrange(lo,hi)))
# ---- markdown
WORDS="a b foo *x* **y** _z_ __w__ ~~d~~ ~s~ ^p^ ++i++ ==m== `c` ``c`d`` [l](http://e.x/a?b=c&d) [r] [r][] [t][r] ![i](p.png) <b> </b> <!--c--> <http://a.b> <m@e.x> http://e.x www.e.x https://e.x/a_(b) mailto:q@e.x ftp://f.x tel:123 &amp; &lt; &copy; &#65; &bogus; \\* \\_ \\# \\` é ☃ 1. - + # > | * _ ` ~ ^ = [ ] ( ) ! < & \\ \" ' . , : ; 😀 https: http:// x@y.z foo_bar_baz a*b*c snake_case *a_ **a* ***a*** _a*b_ \t".split(" ")
def inline(): return "".join(ch(WORDS)+ch(["", " "," "," ","  "]) for _ in range(R.randrange(1,7))).rstrip() if R.random()<.95 else ""
def mdline():
    k=R.random(); t=inline()
    if k<.3: return t
    if k<.4: return "#"*R.randrange(1,8)+ch([" "," ",""])+t+ch([""," #"," ##"])
    if k<.5: return ch(["- ","* ","+ ","-","  - ","    - ","-   "])+t
    if k<.57: return ch(["1. ","2. ","1) ","10. ","0. ","  1. "])+t
    if k<.64: return ch(["> ",">",">> ","> > "])+t
    if k<.69: return ch(["---","***","===","- - -","___","--","="," ---","+++"])
    if k<.74: return ch(["```","~~~","```js","````","```` x","``` a b"])
    if k<.79: return ch(["    ","\t","   ","     "])+t
    if k<.84: return ch(["|a|b|","|-|-|","a|b","-|-","|:-|-:|",":-:|---","|"+t+"|"+t+"|",t+"|"+t,"| a | b |","| --- | --- |","|"])
    if k<.88: return ch(["<div>","</div>","<p>x</p>","<!-- c","-->","<script>","<br/>","<a href='x'>","<pre>","<?x?>","<table><tr>"])
    if k<.91: return ch(["[r]: http://r.e","[r]: <u v> 'T'","[r]: /u \"T\"","[x]:","[é]: /e"])
    return ""
def markdown():
    k=R.random()
    nl="\n" if R.random()<.9 else "\r\n"
    return "#{v | Markdown}",{"v":nl.join(mdline() for _ in range(R.randrange(1,ch([2,4,9]))))}
# ---- regex
ATOMS=["a","b","o","l","W",".","\\d","\\D","\\w","\\W","\\s","\\S","\\b","\\B","^","$","[a-z]","[^a-z]","[aeiou]","[A-Za-z0-9_]","(a)","(?:b)","(?<n>o)","(?'q'l)","\\1","\\k<n>","(?=o)","(?!o)","(?<=l)","(?<!l)","\\.","\\p{L}","\\p{Lu}","\\P{L}","\\A","\\z","\\Z","\\G","(?i)","(?i:h)","(?m)","(?s)","(?x)","(?-i)","[\\d-]","[]a]","[^]]","[a-]","\\x41","\\u0041","\\n","\\t","\\e","\\cA","\\0","\\07","\\101","{","}","a{2}","a{1,}","l{,2}","(a|b)","|","(?>o+)","(?(1)a|b)","[a-z-[aeiou]]","(?n)","(o)(?<m>r)","\\[","\\]","\\(","-","[\\w.]","[.]","\\/","(","[","*","\\","[z-a]","(?<","a**","\\2","\\99","\\k<zz>","(?<1>a)","(?<2>l)","(?<a-b>x)","\\p{IsGreek}","\\p{Nd}","(?#c)","[[:alpha:]]","\\Q","\\R","\\h","\\v","\\K","\\X","a++","o?+","(?|a|b)","(?P<n>a)","(?i-m:O)","é","É","ß","ı","K","😀","[😀]","\\d+","\\w+","\\s*",".*",".+?","o??","l*?","(l+)","([a-z]+)"," ","  ","[^\\s]+","[\\s\\S]","[^\\W\\d]","\\$","\\^","\\|","#","\\ ","[\\b]","[\\n]","(\\w+) (\\w+)","(?:a|b)*","()","(|a)","{1}","x{0}","l{2}","o{1,2}?","\\-","\\_","\\a","\\f","\\r","\\c","\\x4","\\u12","\\8","\\i","\\y","\\<","\\e"]
SUBJ=["Hello World","hello world foo","2024-05-06","a.b.c","one\ntwo\nthree","aab abb","","Été été ÉCOLE","v1.2.3-beta","x😀y😀","tab\there","lll ooo","foo bar baz qux","the end\n","a\r\nb","K k \u212a","١٢٣ 123","A_B-C D","aaa","K.Zß straße STRASSE"]
REPL=["","x","$1","$2","$0","$&","$$","$`","$'","$_","$+","${n}","${1}","${q}","<$0>","[$1]","$10","$01","${01}","$","$x","${","${}","\\1","\\n","$1$1","${zz}","$$1","$ 1","${ 1}","$-1","${n","$1a","X$&Y"]
def regex():
    p=many(lambda: ch(ATOMS)+ch(["","","","","+","*","?","{1,2}","+?","*?"]) ,1,ch([2,3,5]))
    q='\\"%s\\"'%p if '"' not in p else '"a"'
    if p.endswith("\\"): q='"%s"'%p if '#' not in p else '"a"'
    s=ch(SUBJ)
    if R.random()<.4: return "#{v | Match %s}"%q,{"v":s}
    r=ch(REPL)
    return "#{v | Replace %s%s}"%(q," \"%s\""%r if R.random()<.9 else ""),{"v":s}
# ---- uri
PARTS="AbsolutePath AbsoluteUri Authority DnsSafeHost Fragment Host HostAndPort HostNameType IsAbsoluteUri IsDefaultPort IsFile IsLoopback IsUnc Path PathAndQuery Port Query Scheme SchemeAndServer UserInfo".split()
def uri():
    sch=ch(["http://","https://","http://","https://","HTTP://","ftp://","ftps://","file://","file:///","mailto:","ws://","wss://","ldap://","news:","urn:","tel:","ssh://","git://","net.tcp://","gopher://","x-y.z+1://","a:","c:","C:\\","\\\\","//","/","","http:","http:/","http:\\\\","1http://","telnet://","nntp://","jdbc:","data:","javascript:","about:","uuid:","vscode://","sftp://","s3://","amqp://","redis://"])
    ui=ch(["","","","u@","u:p@","u:@",":p@","a%40b@","a@b@","@"])
    host=ch(["example.com","EXAMPLE.Com","h","localhost","127.0.0.1","127.1","0x7f.1","[::1]","[2001:DB8::1]","[::ffff:1.2.3.4]","[fe80::1%25eth0]","[::1","a_b.c","-a.b","a-.b","a..b","a.","1.2.3.4.5","256.1.1.1","1.2.3","é.com","münchen.de","xn--mnchen-3ya.de","ß.de","%65x.com","a b","loopback","a,b","a;b","*","日本.jp","0.0.0.0","[::]","3232235777","a"*64+".b","","server01","ex!ample","ex(a)"])
    port=ch(["","","",":80",":443",":8080",":",":0",":65535",":65536",":99999",":-1",":a",":021",":8080x"])
    path=ch(["","/","/a","/a/b","/a/../b","/a/./b","/../x","/a//b","/a/b/..","/a/b/.","/%41","/%7e","/%2f","/%2F/..","/a b","/é","/%C3%A9","/%zz","/%","/a%20b","/;p=1","/a\\b","/a|b","/{x}","/^`","/a[b]","/~u","/a/.../b","/..a","/%2e%2e/x","/a:b@c","/+","/\"q\"","/<t>","/a'b","/☃","/😀","/a%2","/./","/.."])
    q=ch(["","","?","?q=1","?a b","?é","?a=b&c=d","?%41","?%zz","??","?a#","?q=[1]","?x|y","?\"","?a%20b","?a+b","?/../"])
    f=ch(["","","","#","#f","#a b","#é","##","#%41","#?x","#\""])
    u=sch+ui+host+port+path+q+f if R.random()<.85 else ch([path+q+f,host+port+path,sch+path,sch,q,f,sch+ui])
    if R.random()<.1: u=ch([" ","\t","\n"])+u
    if R.random()<.1: u=u+ch([" ","\n","\t"])
    if R.random()<.15 and u:
        i=R.randrange(len(u)); u=u[:i]+ch(["","\\","/",":","@","?","#","%","[","]"," ",".","\u00a0","\u200b","\x01"])+u[i+R.randrange(2):]
    return "#{v | UriPart %s}"%ch(PARTS),{"v":u}
def uriall():
    t,v=uri()
    return "|".join("#{v | UriPart %s}"%p for p in PARTS),v
def uriesc(): 
    return "#{v | %s}"%ch(["UriEscape","UriDataEscape"]),{"v":many(lambda:ch(list("aZ09-._~:/?#[]@!$&'()*+,;= %\"<>\\^`{|}\n\té€😀\u00ad")+["%41","%zz"]),0,10)}
# ---- dates
def date():
    mon=ch(["Jan","February","mar","JULY","Sep","Sept","Dec","May","Aug","October"])
    y=ch(["2023","2024","1999","23","99","29","30","49","50","0001","9999","1","123","10000","0","-2023","02023"]); m=R.randrange(0,14); d=R.randrange(0,33)
    day=ch(["Mon","Tuesday","wed","Sunday","Sat"])
    D=ch(["%s-%02d-%02d"%(y,m,d),"%s-%d-%d"%(y,m,d),"%d/%d/%s"%(m,d,y),"%02d/%02d/%s"%(m,d,y),"%d-%d-%s"%(m,d,y),"%d.%d.%s"%(m,d,y),"%s/%d/%d"%(y,m,d),"%d %s %s"%(d,mon,y),"%s %d, %s"%(mon,d,y),"%s %d %s"%(mon,d,y),"%s-%s-%d"%(y,mon,d),"%d-%s-%s"%(d,mon,y),"%s %s"%(mon,y),"%s %d"%(mon,d),"%d %s"%(d,mon),"%s, %d %s %s"%(day,d,mon,y),"%s %d %s %s"%(day,d,mon,y),"%s%02d%02d"%(y,m,d),"%s-%02d"%(y,m),"%d/%d"%(m,d),"%s"%y,"%s %s"%(y,mon),"%s, %s %d, %s"%(day,mon,d,y),"%02d %02d %s"%(m,d,y),"%s.%02d.%02d"%(y,m,d),"%d, %d, %s"%(m,d,y),"%s of %d"%(mon,d),"%s %s %d"%(day,mon,d)])
    if R.random()<.75:
        h=R.randrange(0,26); mi=R.randrange(0,62)
        T="%02d:%02d"%(h,mi)
        T=ch([T,T,T+":%02d"%R.randrange(0,62),T+":07",T+":59."+ch(["1","12","123","1234567","12345678","0","","9999999","99999999"]),"%d:%d"%(h,mi),"%d"%h,"%d:%d:%d"%(h,mi,3),"%02d%02d"%(h,mi),"%02d%02d%02d"%(h,mi,5),"24:00:00","24:00","%02d:%02d:05,5"%(h,mi),"%02d.%02d"%(h,mi),"%d h"%h,T+":"])
        T+=ch(["",""," ","  "])+ch(["","","","AM","PM","am","pm","a","P","a.m.","A.M."])
        D=D+ch([" "," ","T","T","t",", ","  "," T ","",":"," at "])+T if R.random()<.9 else T+" "+D
        D+=ch(["",""," "])+ch(["","","","Z","z","GMT","UTC","+05:30","-08:00","+0530","+5","-8","+05","+14:00","+14:01","-14:00","+15:00","+00:00","-00:00","+5:30","+05:60"," +02:00","EST","+1:2","Z+01:00","GMT+2"])
    if R.random()<.08: D=ch([" ","\t"])+D+ch([" ",""])
    if R.random()<.1 and D:
        i=R.randrange(len(D)); D=D[:i]+ch(["","-","/"," ",":",".","T","Z",",","0","(","'","\u00a0","x"])+D[i+R.randrange(2):]
    return D
DF=["d","dd","ddd","dddd","M","MM","MMM","MMMM","y","yy","yyy","yyyy","yyyyy","h","hh","H","HH","m","mm","s","ss","f","ff","fff","fffffff","ffffffff","F","FFF","FFFFFFF","t","tt","ttt","z","zz","zzz","K","g","gg"," ","-","/",":",".","'q'","\\x","\\","%","%d","'","\\\"","T","Z","x","@","e","ddddd","%%","''"]
def dates():
    spec=ch(list("dDfFgGmMoOrRstTuUyYqzhHK")+["o","s","u","R","yyyy-MM-dd HH:mm:ss.fffffff zzz"]*3) if R.random()<.6 else many(lambda:ch(DF),1,8)
    ty=ch(["","","date ","datetime ","DateTimeOffset "])
    q='\\"%s\\"'%spec.replace('\\"','')
    k=R.random()
    if k<.6: return "#{v | Format %s%s}"%(ty,q),{"v":date()}
    n=ch(["1","-1","0","0.5","1.5","-0.25","1e1","1e400","1,5","x","","NaN","Infinity","-3","24"," 2 ","+1","366","1000000","9999999","-9999999","0.0000001","1e-9","1e8","0x1",".5","5.","1 2","2913","365.2425"])
    return "#{v | %s \"%s\"}"%(ch(["AddDays","AddHours"]),n),{"v":date()}
# ---- numbers
def number():
    if R.random()<.3: return ch(["0","-0","0.0","1,234","5-","- 5","(5)"," 7 ","1e3","1E+3","Infinity","-Infinity","nan","NaN","∞",".5","5.","",".","79228162514264337593543950335","79228162514264337593543950336","2147483647","2147483648","-2147483648","1.10","1.5e300","5e-324","0x1F","٣","1_000","1 000","+5","+-5","--5","5+","¤5","$5","5%","1,2,3","1,,2",",1","1.2.3","1e","e1","1e5000","-.5","0.1e1","0.5","1.5","2.5","-1.5","0.05","0.005","999.995","0.000001","123456789012345678901234567890","1.7976931348623157E+308","1e309","-0.0","-0.4","0.0000000000000000000000000001","0.00000000000000000000000000001","5 -","\t5\n","5\u00a0","１"])
    s=ch(["","","-"])+str(R.randrange(10**R.randrange(1,19)))
    return s+("."+many(lambda:ch("0123456789"),1,ch([3,8,20])) if R.random()<.6 else "")+("e%d"%R.randrange(-30,30) if R.random()<.1 else "")
NF=["0","#","00","##",".","..",",",",,","0,0","#,##0","%","E+0","e0","E-00","E0","E","e+","'x'","x","\\","\\0"," ","-","+",";",";;","0.00","0.##","‰","(0)","\\\"","$","¤","'","€","#.#","0.0;(0.0)","0;-0;zero"]
def numbers():
    spec=ch("CDEFGNPRXBcdefgnprxbZqAHO")+ch(["","0","1","2","3","5","10","20","99","100","1000000000","-1","2x"," "," 2"]) if R.random()<.5 else many(lambda:ch(NF),1,8)
    return "#{v | Format "+ch(["","","int ","Int32 ","double ","decimal ","DOUBLE ","float ","long ","bool "])+'\\"%s\\"}'%spec.replace('\\"',''),{"v":number()}
# ---- json
def jstr(q='"'):
    return q+many(lambda:ch(["a","b","é","\\n","\\u0041","\\u00e9","\\/","\\\\","\\"+q,"\\x","\\ud83d\\ude00","\\ud83d","\\u12","#{W}","##{W}","#{","}",",","😀","\t","\n"," ","\\b","\\f","\\0","\\'","'" if q=='"' else '"',"\\u00","//","/*"]),0,4)+q
def jnum(): return ch(["0","1","-1","10","1.0","1.10","1e3","1E-5","-0.0","0.1","1.5e300","1e309","-1e309","5e-324","123456789012345678","9223372036854775807","9223372036854775808","-9223372036854775808","-9223372036854775809","99999999999999999999999","0x1F","0X1f","0x","010","08","09.5","0o17","+1",".5","5.","-.5","1.","1e","--1","-","1_0","1e+5","1E05","00","-01","1.7976931348623157e308","0.1e1","123456789.125","1e15","1e16","0.00001","123456789012345680.0","0xFFFFFFFFFFFFFFFF","0x7FFFFFFFFFFFFFFF","-0x1","1d","1f","1e1.5","NaN","Infinity","-Infinity","+Infinity","- 1","012345671234567123456712","07777777777777777777777"])
def jdate(): return ch(['"','"',"'"])[0:1] and '"'+ch(["2023-07-04T10:20:30Z","2023-07-04T10:20:30","2023-07-04T10:20:30.1Z","2023-07-04T10:20:30.1234567+05:30","2023-07-04T10:20:30.12345678Z","2023-07-04T24:00:00","2023-07-04T24:00:01","2023-02-30T10:00:00","2023-07-04T10:20:30+0530","2023-07-04T10:20:30+05","2023-07-04T10:20:30z","2023-07-04t10:20:30Z","2023-07-04 10:20:30Z","2023-07-04T10:20:30.Z","2023-07-04T10:20:30-00:00","2023-07-04T10:20:30+24:00","2023-07-04T10:20:30+23:59","0001-01-01T00:00:00Z","0001-01-01T00:00:00+05:00","9999-12-31T23:59:59.9999999Z","9999-12-31T23:59:59-05:00","0000-01-01T00:00:00","/Date(0)/","\\/Date(1688466030000)\\/","/Date(1688466030000+0530)/","/Date(-1)/","/Date(1688466030000-0800)/","/Date(x)/","/Date()/","/Date(99999999999999999)/","2023-07-04T10:20:30 ","T2023-07-04","2023-7-4T10:20:30Z","2023-07-04T10:20:60Z","2023-07-04T10:60:30Z","2016-12-31T23:59:60Z","2023-07-04T10:20:30+05:30Z","2023-07-04T10:20:30.000Z","2023-07-04T10:20:30.500","2024-02-29T00:00:00+14:00","12023-07-04T10:20:30Z"])+'"'
def jval(d=0):
    k=R.random()
    if d>3: k*=.6
    if k<.15: return jstr(ch(['"','"',"'"]))
    if k<.35: return jnum()
    if k<.42: return jdate()
    if k<.6: return ch(["true","false","null","undefined","NaN","True","TRUE","nul","None","new Date(1)","new Foo('a',1)","abc","","Infinity","/*c*/1","1/*c*/","//c\n1","void","function(){}","`x`"])
    sp=lambda: ch(["","",""," ","\n","\t","/*c*/","//c\n","\ufeff","\u00a0"]) if R.random()<.2 else ""
    if k<.8: return "["+sp()+(","+sp()).join(jval(d+1) for _ in range(R.randrange(0,4)))+ch(["","","","",",",",,"])+sp()+ch(["]","]","]","]","]","","}"])
    def key(): return ch(['"a"','"b"','"k"',"'a'","a","b","k","$x","_y","1","a-b",'"a b"','""','"A"','"é"',"é",'"$ref"','"$type"','"$id"','"1"',"a1","1a","true","null","-1","1.5","a.b",'"a.b"',"\\u0061",'"__proto__"','"length"'])
    return "{"+sp()+(","+sp()).join(key()+sp()+ch([":"]*20+["",": :"])+sp()+jval(d+1) for _ in range(R.randrange(0,4)))+ch(["","","","",",",",,"])+sp()+ch(["}","}","}","}","}","","]"])
def jsons():
    x=jval() if R.random()<.85 else ch([" ","\n","\ufeff","//c\n","/**/"])+jval()+ch([""," ","\n","//c","x","/**/",","])
    step=lambda: ch([".a",".b",".k","[0]","[1]","[2]","[a]","[b]","[-1]","[9]","[ 0]","[0 ]","[+1]","[01]","[1.0]","[*]",".0",".1",".A","[a b]","[é]",".Value",".Key","[1,000]","[2147483648]","[]","[#{i}]","[$ref]","[a.b]"])
    k=R.random()
    s="x"+many(step,1,4)
    t=ch(["#{%s}","[#{%s}]","#{if %s}t#{else}f#{/if}","#{if %s == \"1\"}t#{/if}","#{%s | ToUpper}","#{calc %s+1}","#{each q in %s}<#{q}>#{/each}","#{%s | JsonEscape}"])%s
    if k<.35: t=ch(["#{each q in x}<#{q}>#{/each}","#{each q in x}<#{q.a}|#{q[0]}>#{/each}","#{each q in x}#{q}:#{q.Key}=#{q.Value};#{/each}","#{each q in x}#{each r in q}(#{r})#{/each};#{/each}","#{each q in x}#{q.Value.a}#{q.k}#{/each}","#{each q in x.a}#{q}#{/each}","#{each q in x[0]}[#{q}]#{/each}"])
    return t,{"x":x,"W":"me","i":ch(["0","1","a","k"])}
# ---- versions
def versions():
    part=ch(["Major","Minor","Patch","Revision","PreRelease","PreReleasePrefix","PreReleaseCounter","Metadata"])
    v=ch([""]*6+["v","V"," ","v ","vv","x","\n"])+ch([".",".",".",".",". "," .","..","-","_",","]).join(ch(["1","0","01","2147483647","2147483648"," 1","1 ","10","123","a","1a","","٣","-1","1_","99999999999"]) for _ in range(R.randrange(0,6)))
    v+=ch(["","-","-","-","_",".","+","\\"," -","- ","--"])+ch(["","beta.1","rc-7","a_2.x","a b","!x","5","b+meta","beta","beta1","alpha.beta.1","rc.1.2","SNAPSHOT","x-y-z","0.3.7","-","é","mybranch\\sub","1-2","a..b","a.","+build","a+b+c","a+","+","a+b.c-d_e\\f","a\nb"])+ch([""]*6+[" ","\n","+m","+m.1-2","\t","+é"])
    return "#{v | Version%s%s}"%(part,ch(["","","",""," x"," 1 2"])),{"v":v}
# ---- plain filters
def plain():
    chars=list("aBcD<>&\"'/\\:= \n\r\t%#{}é☃😀ÿÿ\u00a0\u200b\x7f\x01+=!")+["\r\n","\n\n","\r\n\r\n","QUJD","%41","ß","İ","ı","Σς","ŉ","ﬁ","ǅ","\ufeff","\u2028","\u2029","\u0085","\u3000","\u180e","\u1680","K","Å","ⅷ","ⓐ","𐐀","ა","Ა","\u0130","ẞ","ꭰ","Ꭰ","þ","Ā"]
    val=many(lambda:ch(chars),0,ch([3,8,15]))
    n=lambda: ch(["0","1","2","3","5","10","99","255","256","-1","+1"," 1 ","1.5","x","","01","2147483647","2147483648","4294967296","1e1","１","\\t"])
    opt=lambda: ch(['"%s"'%n(),'"%s"'%n(),n() if n() else "1"]) 
    def o(): 
        s=n(); 
        return '"%s"'%s
    f=ch(["HtmlEscape","XmlEscape","JsonEscape","YamlSingleQuoteEscape","YamlDoubleQuoteEscape","PropertiesKeyEscape","PropertiesValueEscape","ToUpper","ToLower","Trim","Trim start","Trim end","Trim \"\"","Trim START","Trim both","Trim start x","ToBase64","ToBase64 utf8","ToBase64 unicode","ToBase64 UTF-8","ToBase64 utf16","ToBase64 utf8 x","FromBase64","FromBase64 unicode","FromBase64 utf8","Append","Append x","Prepend \"\"","Prepend a b","Contains a","Contains \"\"","StartsWith a","EndsWith \"\"","Contains a b","Match a","Nope","null","Null","null x"]
      +["%s%s"%(h,ch([""," 4"," 0"," 64"," base64"," utf8"," unicode"," unicode 5"," 5 unicode"," -1"," x"," 4 4"," utf8 utf8"," base64 3"," 2147483648"," \" 4 \""," \"\""])) for h in ["Md5","Sha1","Sha256","Sha384","Sha512"]]
      +["Truncate "+o(),"Truncate "+o()+" "+o(),"Truncate","Substring "+o(),"Substring "+o()+" "+o(),"Substring "+o()+" "+o(),"Substring "+o()+" "+o()+" 1","Substring","Indent","Indent "+o(),"Indent "+ch(["1/3","/3","3/","/","1/2/3","0/4","256/1","/255","1/256","001","0001","\"1 \"","\" /2\"","-"]),"Indent a b","Indent a b c","Indent \"\" x"])
    if "Base64" in f and R.random()<.7:
        val=many(lambda:ch(["QQ==","SGVs","bG8=","//79","4pi4"," ","\n","=","====","A","-_","\t","QUI=","Q","2D0=","AGEA","\u00a0","!","/w=="]),0,5)
    if R.random()<.2: f+=" | "+ch(["ToUpper","Trim","Append z","JsonEscape","Truncate 2 \"\"","Md5 2"])
    return "[#{v | %s}]"%f,{"v":val}
def calc():
    def a(d=0):
        k=R.random()
        if k<.45 or d>3: return ch(["1","2.5",".5","10","A","N","{A}","{ N }","J.n","{J.n}","5.","-1","x","0","1e3","A ","{P[web].Port}","P[web].Port","{Nope}","{B}-{A}","{Th}","{Sp}","1.0","007","1,000","{E}","{Inf}","{NaN}","{H}","100000000000000000000","0.1","0.2","{Exp}","{A.b}","{Neg}","{Par}","A-1","{A }","(A)","{A|ToUpper}","{Pl}","{Trail}"])
        if k<.85: return a(d+1)+ch(["+","-","*","/"," + "," * "," - "," / ","+ ","* "," %"," ^","+-","\t+\n"])+a(d+1)
        return "("+ch(["","",""," "])+a(d+1)+ch(["","",""," "])+")"
    V={"A":"10","N":"-2.5","B":"4","J":"{\"n\":5,\"s\":\"x\"}","P[web].Port":"80","Th":"1,234.5","Sp":" 7 ","E":"","Inf":"Infinity","NaN":"NaN","H":"0x10","Exp":"1e3","Neg":"-0","Par":"(5)","Pl":"+5","Trail":"5-","x":"#{A}"}
    return "#{"+ch(["","",""," "])+ch(["calc","calc","calc","Calc","CALC"])+ch([" "," ","  ","\n",""])+a()+ch([""," "])+"}",V
def text():
    return many(lambda:ch(["#","##","{","}","#{A}","#{A","##{A}","###{","a"," ","\n","\\","#{Nope}","##{","#{/if}","$","%","#{ A }","\\#{A}","#}","{{","}}","é"]),1,9),{"A":"1","B":"#{A}#"}
KINDS=dict(markdown=markdown,regex=regex,uri=uri,uriall=uriall,uriesc=uriesc,dates=dates,numbers=numbers,jsons=jsons,versions=versions,plain=plain,calc=calc,text=text)
names=only or list(KINDS)
for i in range(N):
    g=ch(names); t,v=KINDS[g]()
    o={"template":t,"variables":v,"group":g}
    if R.random()<.15:o["haltOnError"]=False
    print(json.dumps(o,ensure_ascii=False))
