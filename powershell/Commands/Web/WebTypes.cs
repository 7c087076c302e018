// WebTypes.cs - what scripts see of the web commands: sessions, responses, failures, links.

using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Net;
using System.Net.Http;
using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

public enum WebRequestMethod { Default, Get, Head, Post, Put, Delete, Trace, Options, Merge, Patch }

public enum WebAuthenticationType { None, Basic, Bearer, OAuth }

[Flags]
public enum WebSslProtocol { Default = 0, Tls = 192, Tls11 = 768, Tls12 = 3072, Tls13 = 12288 }

/// <summary>Cookies, headers and credentials that go along with several requests.</summary>
public class WebRequestSession
{
    public Dictionary<string, string> Headers { get; set; } = new(StringComparer.OrdinalIgnoreCase);
    internal Dictionary<string, string> ContentHeaders { get; } = new(StringComparer.OrdinalIgnoreCase);
    public CookieContainer Cookies { get; set; } = new();
    public bool UseDefaultCredentials { get; set; }
    public ICredentials Credentials { get; set; }
    public X509CertificateCollection Certificates { get; set; }
    public string UserAgent { get; set; } = DefaultUserAgent;
    public IWebProxy Proxy { get; set; }
    public int MaximumRedirection { get; set; } = -1;
    public int MaximumRetryCount { get; set; }
    public int RetryIntervalInSeconds { get; set; } = 5;

    static readonly string DefaultUserAgent =
        $"Mozilla/5.0 ({(OperatingSystem.IsLinux() ? "Linux" : Environment.OSVersion.Platform.ToString())}; {RuntimeInformation.OSDescription.Replace('(', '[').Replace(')', ']')}; {System.Globalization.CultureInfo.CurrentCulture.Name}) PowerShell/{Inside.Version}";
}

/// <summary>What well-known browsers call themselves, for -UserAgent.</summary>
public static class PSUserAgent
{
    static string Platform => OperatingSystem.IsWindows() ? $"Windows NT {Environment.OSVersion.Version.ToString(2)}" : OperatingSystem.IsMacOS() ? "Macintosh" : "Linux";
    static string Place => $"{Platform}; {RuntimeInformation.OSDescription.Trim()}; {System.Globalization.CultureInfo.CurrentCulture.Name}";

    public static string Chrome => $"Mozilla/5.0 ({Place}) AppleWebKit/534.6 (KHTML, like Gecko) Chrome/7.0.500.0 Safari/534.6";
    public static string FireFox => $"Mozilla/5.0 ({Place}) Gecko/20100401 Firefox/4.0";
    public static string InternetExplorer => $"Mozilla/5.0 (compatible; MSIE 9.0; {Place})";
    public static string Opera => $"Opera/9.70 ({Place}) Presto/2.2.1";
    public static string Safari => $"Mozilla/5.0 ({Place}) AppleWebKit/533.16 (KHTML, like Gecko) Version/5.0 Safari/533.16";
}

/// <summary>A response whose status says failure.</summary>
public sealed class HttpResponseException : HttpRequestException
{
    public HttpResponseException(string message, HttpResponseMessage response) : base(message, null, response.StatusCode) => Response = response;
    public HttpResponseMessage Response { get; }
}

/// <summary>A response, its content as bytes.</summary>
public class WebResponseObject
{
    internal WebResponseObject(HttpResponseMessage response, byte[] content)
    {
        BaseResponse = response;
        Bytes = content;
        RawContentStream = new MemoryStream(content);
        Headers = WebText.Headers(response);
        RelationLink = WebText.Links(response);
    }

    internal byte[] Bytes { get; }
    public HttpResponseMessage BaseResponse { get; set; }
    public byte[] Content => Bytes;
    public Dictionary<string, IEnumerable<string>> Headers { get; }
    public virtual string RawContent => WebText.Head(BaseResponse) + ToString();
    public long RawContentLength => RawContentStream.Length;
    public MemoryStream RawContentStream { get; }
    public Dictionary<string, string> RelationLink { get; }
    public int StatusCode => (int)BaseResponse.StatusCode;
    public string StatusDescription => BaseResponse.StatusCode.ToString();

    public override string ToString() => new(Encoding.Latin1.GetString(Bytes).Select(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t') ? '.' : c).ToArray());
}

/// <summary>A response that is text.</summary>
public class BasicHtmlWebResponseObject : WebResponseObject
{
    internal BasicHtmlWebResponseObject(HttpResponseMessage response, byte[] content) : base(response, content)
    {
        Content = WebText.Decode(content, response.Content.Headers.ContentType?.CharSet, out Encoding encoding);
        Encoding = encoding;
    }

    public new string Content { get; }
    public Encoding Encoding { get; }
    public override string RawContent => WebText.Head(BaseResponse) + Content;
    public WebCmdletElementCollection InputFields => Elements("input", false);
    public WebCmdletElementCollection Links => Elements("a", true);
    public WebCmdletElementCollection Images => Elements("img", false);

    public override string ToString() => Content;

    static readonly Regex Attribute = new(@"(?<name>[\w-]+)\s*=\s*(""(?<value>[^""]*)""|'(?<value>[^']*)'|(?<value>[^\s""'>]+))", RegexOptions.Compiled);

    // Found by pattern, as the name "basic" says: no document is built.
    WebCmdletElementCollection Elements(string tag, bool paired)
    {
        var found = new List<PSObject>();
        string pattern = paired ? $@"<{tag}\b(?<attributes>[^>]*)>[\s\S]*?</{tag}\s*>" : $@"<{tag}\b(?<attributes>[^>]*)>";
        foreach (Match m in Regex.Matches(Content ?? string.Empty, pattern, RegexOptions.IgnoreCase, TimeSpan.FromSeconds(10)))
        {
            var element = new PSObject();
            element.Properties.Add(new PSNoteProperty("outerHTML", m.Value));
            element.Properties.Add(new PSNoteProperty("tagName", tag.ToUpperInvariant()));
            foreach (Match a in Attribute.Matches(m.Groups["attributes"].Value))
            {
                string name = a.Groups["name"].Value;
                if (element.Properties[name] == null) element.Properties.Add(new PSNoteProperty(name, WebUtility.HtmlDecode(a.Groups["value"].Value)));
            }
            found.Add(element);
        }
        return new WebCmdletElementCollection(found);
    }
}

/// <summary>Elements of a page.</summary>
public class WebCmdletElementCollection : ReadOnlyCollection<PSObject>
{
    internal WebCmdletElementCollection(IList<PSObject> all) : base(all) { }

    public PSObject Find(string nameOrId) => FindById(nameOrId) ?? FindByName(nameOrId);
    public PSObject FindById(string id) => FindBy("id", id);
    public PSObject FindByName(string name) => FindBy("name", name);

    PSObject FindBy(string property, string value) => this.FirstOrDefault(e => string.Equals(e.Properties[property]?.Value as string, value, StringComparison.Ordinal));
}
