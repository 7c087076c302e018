// WebRequestParameters.cs - the parameters of the web commands, what of them excludes each other, and the session.

using System;
using System.Collections;
using System.IO;
using System.Management.Automation;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Reactions.PowerShell;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

public abstract partial class WebRequestPSCmdlet
{
    const string Standard = "StandardMethod", StandardNoProxy = "StandardMethodNoProxy", Custom = "CustomMethod", CustomNoProxy = "CustomMethodNoProxy";

    [Parameter(Position = 0, Mandatory = true)] [ValidateNotNullOrEmpty] public Uri Uri { get; set; }
    [Parameter] public Version HttpVersion { get; set; }

    [Parameter] public WebRequestSession WebSession { get; set; }
    [Parameter] [Alias("SV")] public string SessionVariable { get; set; }
    [Parameter] public UnixDomainSocketEndPoint UnixSocket { get; set; }

    [Parameter] public SwitchParameter AllowUnencryptedAuthentication { get; set; }
    [Parameter] public WebAuthenticationType Authentication { get; set; }
    [Parameter] [Credential] public PSCredential Credential { get; set; }
    [Parameter] public SwitchParameter UseDefaultCredentials { get; set; }
    [Parameter] [ValidateNotNullOrEmpty] public string CertificateThumbprint { get; set; }
    [Parameter] [ValidateNotNull] public X509Certificate Certificate { get; set; }
    [Parameter] public SwitchParameter SkipCertificateCheck { get; set; }
    [Parameter] public WebSslProtocol SslProtocol { get; set; }
    [Parameter] public SecureString Token { get; set; }

    [Parameter] public string UserAgent { get; set; }
    [Parameter] public SwitchParameter DisableKeepAlive { get; set; }
    [Parameter] [Alias("TimeoutSec")] [ValidateRange(0, int.MaxValue)] public int ConnectionTimeoutSeconds { get; set; }
    [Parameter] [ValidateRange(0, int.MaxValue)] public int OperationTimeoutSeconds { get; set; }
    [Parameter] public IDictionary Headers { get; set; }
    [Parameter] public SwitchParameter SkipHeaderValidation { get; set; }

    [Parameter] public SwitchParameter AllowInsecureRedirect { get; set; }
    [Parameter] [ValidateRange(0, int.MaxValue)] public int MaximumRedirection { get; set; } = -1;
    [Parameter] public SwitchParameter PreserveAuthorizationOnRedirect { get; set; }
    [Parameter] public SwitchParameter PreserveHttpMethodOnRedirect { get; set; }
    [Parameter] [ValidateRange(0, int.MaxValue)] public int MaximumRetryCount { get; set; }
    [Parameter] [ValidateRange(1, int.MaxValue)] public int RetryIntervalSec { get; set; } = 5;

    [Parameter(ParameterSetName = Standard)] [Parameter(ParameterSetName = StandardNoProxy)] public virtual WebRequestMethod Method { get; set; }
    [Parameter(Mandatory = true, ParameterSetName = Custom)] [Parameter(Mandatory = true, ParameterSetName = CustomNoProxy)] [Alias("CM")] [ValidateNotNullOrEmpty] public virtual string CustomMethod { get; set; }

    [Parameter(Mandatory = true, ParameterSetName = StandardNoProxy)] [Parameter(Mandatory = true, ParameterSetName = CustomNoProxy)] public SwitchParameter NoProxy { get; set; }
    [Parameter(ParameterSetName = Standard)] [Parameter(ParameterSetName = Custom)] public Uri Proxy { get; set; }
    [Parameter(ParameterSetName = Standard)] [Parameter(ParameterSetName = Custom)] [Credential] public PSCredential ProxyCredential { get; set; }
    [Parameter(ParameterSetName = Standard)] [Parameter(ParameterSetName = Custom)] public SwitchParameter ProxyUseDefaultCredentials { get; set; }

    [Parameter(ValueFromPipeline = true)] public object Body { get; set; }
    [Parameter] public IDictionary Form { get; set; }
    [Parameter] public string ContentType { get; set; }
    [Parameter] [ValidateSet("chunked", "compress", "deflate", "gzip", "identity", IgnoreCase = true)] public string TransferEncoding { get; set; }
    [Parameter] [ValidateNotNullOrEmpty] public string InFile { get; set; }
    [Parameter] [ValidateNotNullOrEmpty] public string OutFile { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }
    [Parameter] public SwitchParameter Resume { get; set; }
    [Parameter] public SwitchParameter SkipHttpErrorCheck { get; set; }

    // There is no other way of parsing; scripts that also run in old PowerShell pass it.
    [Parameter(DontShow = true)] public SwitchParameter UseBasicParsing { get; set; }

    string _inFile;

    void Validate()
    {
        if (WebSession != null && SessionVariable != null) Refuse("WebCmdletSessionConflictException", "-WebSession", "-SessionVariable");
        if (UseDefaultCredentials && Authentication != WebAuthenticationType.None) Refuse("WebCmdletAuthenticationConflictException", "-UseDefaultCredentials", "-Authentication");
        if (Authentication != WebAuthenticationType.None && Token != null && Credential != null) Refuse("WebCmdletAuthenticationTokenConflictException", "-Credential", "-Token");
        if (Authentication == WebAuthenticationType.Basic && Credential == null) Refuse("WebCmdletAuthenticationCredentialNotSuppliedException", "-Authentication Basic needs -Credential");
        if (Authentication is WebAuthenticationType.Bearer or WebAuthenticationType.OAuth && Token == null) Refuse("WebCmdletAuthenticationTokenNotSuppliedException", $"-Authentication {Authentication} needs -Token");
        if (!AllowUnencryptedAuthentication && Authentication != WebAuthenticationType.None && !IsHttps)
            Refuse("WebCmdletAllowUnencryptedAuthenticationRequiredException", "the protected data would be sent without encryption; use https, or -AllowUnencryptedAuthentication if that is meant");
        if (!AllowUnencryptedAuthentication && (Credential != null || UseDefaultCredentials) && !IsHttps)
            Refuse("WebCmdletAllowUnencryptedAuthenticationRequiredException", "the credentials would be sent without encryption; use https, or -AllowUnencryptedAuthentication if that is meant");
        if (UseDefaultCredentials && Credential != null) Refuse("WebCmdletCredentialConflictException", "-Credential", "-UseDefaultCredentials");
        if (ProxyUseDefaultCredentials && ProxyCredential != null) Refuse("WebCmdletProxyCredentialConflictException", "-ProxyCredential", "-ProxyUseDefaultCredentials");
        if (Proxy == null && (ProxyCredential != null || ProxyUseDefaultCredentials)) Refuse("WebCmdletProxyUriNotSuppliedException", "proxy credentials need -Proxy");
        if (Body != null && InFile != null) Refuse("WebCmdletBodyConflictException", "-Body", "-InFile");
        if (Body != null && Form != null) Refuse("WebCmdletBodyFormConflictException", "-Body", "-Form");
        if (InFile != null && Form != null) Refuse("WebCmdletFormInFileConflictException", "-InFile", "-Form");
        if (PassThru && OutFile == null) Refuse("WebCmdletOutFileMissingException", "-PassThru needs -OutFile");
        if (Resume && OutFile == null) Refuse("WebCmdletOutFileMissingException", "-Resume needs -OutFile");
        if (HttpVersion?.Major >= 3) Refuse("WebCmdletHttpVersionNotSupportedException", "-HttpVersion above 2.0 is not offered here");
        if (UnixSocket != null && WebPolicy.Allows != null) Refuse("WebCmdletUnixSocketNotAllowedException", "-UnixSocket is not allowed on this server");
        if (Resume && Directory.Exists(Files.Resolve(this, OutFile, false))) Refuse("WebCmdletResumeNotFilePathException", "with -Resume, -OutFile must name a file");
        if (InFile != null) _inFile = FileToSend();
    }

    string FileToSend()
    {
        var files = SessionState.Path.GetResolvedProviderPathFromPSPath(InFile, out ProviderInfo provider);
        if (provider.Name != "FileSystem") Refuse("WebCmdletInFileNotFilesystemPathException", $"-InFile {InFile} is not in the file system");
        if (files.Count > 1) Refuse("WebCmdletInFileMultiplePathsResolvedException", $"-InFile {InFile} stands for several files");
        if (files.Count == 0) Refuse("WebCmdletInFileNoPathResolvedException", $"-InFile {InFile} stands for no file");
        if (Directory.Exists(files[0])) Refuse("WebCmdletInFileNotFilePathException", $"-InFile {InFile} is a directory");
        return files[0];
    }

    bool IsHttps => Uri.IsAbsoluteUri && Uri.Scheme == Uri.UriSchemeHttps;

    void Refuse(string id, string one, string other) => Refuse(id, $"{one} and {other} cannot be given together");

    void Refuse(string id, string why) =>
        ThrowTerminatingError(new ErrorRecord(new ValidationMetadataException($"The cmdlet cannot run: {why}."), id, ErrorCategory.InvalidArgument, this));

    void PrepareSession()
    {
        WebSession ??= new WebRequestSession();
        if (!string.IsNullOrEmpty(SessionVariable)) SessionState.PSVariable.Set(SessionVariable, WebSession);
        if (Authentication == WebAuthenticationType.Basic)
            WebSession.Headers["Authorization"] = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Credential.UserName}:{Credential.GetNetworkCredential().Password}"));
        else if (Authentication != WebAuthenticationType.None) WebSession.Headers["Authorization"] = "Bearer " + SecureText.Plain(Token);
        else if (Credential != null)
        {
            WebSession.Credentials = Credential.GetNetworkCredential();
            WebSession.UseDefaultCredentials = false;
        }
        else if (UseDefaultCredentials) WebSession.UseDefaultCredentials = true;
        if (CertificateThumbprint != null) Certificate = Installed(CertificateThumbprint);
        if (Certificate != null) (WebSession.Certificates ??= []).Add(Certificate);
        WebSession.UserAgent = UserAgent ?? WebSession.UserAgent;
        if (Proxy != null)
            WebSession.Proxy = new WebProxy(Proxy) { Credentials = ProxyCredential?.GetNetworkCredential(), UseDefaultCredentials = ProxyUseDefaultCredentials };
        if (MaximumRedirection >= 0) WebSession.MaximumRedirection = MaximumRedirection;
        foreach (DictionaryEntry header in Headers ?? new Hashtable())
        {
            if (header.Value == null) continue;
            string name = header.Key.ToString(), value = LanguagePrimitives.ConvertTo<string>(header.Value);
            if (IsContentHeader(name)) WebSession.ContentHeaders[name] = value;
            else WebSession.Headers[name] = value;
        }
        if (MaximumRetryCount > 0)
        {
            WebSession.MaximumRetryCount = MaximumRetryCount;
            WebSession.RetryIntervalInSeconds = RetryIntervalSec;
        }
    }

    static bool IsContentHeader(string name) => name.ToLowerInvariant() is "allow" or "content-disposition" or "content-encoding" or "content-language" or "content-length"
        or "content-location" or "content-md5" or "content-range" or "content-type" or "expires" or "last-modified";

    X509Certificate2 Installed(string thumbprint)
    {
        using var store = new X509Store(StoreName.My, StoreLocation.CurrentUser);
        store.Open(OpenFlags.ReadOnly);
        X509Certificate2Collection found = store.Certificates.Find(X509FindType.FindByThumbprint, thumbprint, false);
        if (found.Count == 0) throw new System.Security.Cryptography.CryptographicException($"The certificate with the thumbprint {thumbprint} was not found.");
        return found[0];
    }
}
