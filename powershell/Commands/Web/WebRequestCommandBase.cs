// WebRequestCommandBase.cs - sending a request and getting the response, for Invoke-RestMethod and Invoke-WebRequest.

using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Reactions.PowerShell;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

public abstract partial class WebRequestPSCmdlet : PSCmdlet, IDisposable
{
    readonly CancellationTokenSource _stop = new();
    string _outFile;
    long _resumeFrom;
    bool _resumes;

    internal abstract void ProcessResponse(HttpResponseMessage response, byte[] content);

    // Set by a command that goes on to another page.
    internal Uri FollowUri { get; set; }
    internal bool WritesToPipeline => OutFile == null || PassThru;

    protected override void ProcessRecord()
    {
        Validate();
        PrepareSession();
        _resumes = Resume;
        using HttpClient client = NewClient();
        Uri uri = Absolute(Uri);
        do
        {
            if (FollowUri != null) uri = FollowUri;
            FollowUri = null;
            Request(client, uri);
        }
        while (FollowUri != null);
    }

    protected override void StopProcessing() => _stop.Cancel();
    public void Dispose() => _stop.Dispose();

    void Request(HttpClient client, Uri uri)
    {
        HttpRequestMessage request = NewRequest(uri, RequestMethod);
        try
        {
            WriteVerbose($"Requested HTTP/{request.Version} {request.Method} with {request.Content?.Headers.ContentLength ?? 0}-byte payload");
            HttpResponseMessage response = Send(client, ref request);
            WriteVerbose($"Received HTTP/{response.Version} {(int)response.StatusCode} {response.ReasonPhrase} response of content type {response.Content.Headers.ContentType?.MediaType} of {response.Content.Headers.ContentLength?.ToString() ?? "unknown"} size");
            bool complete = _resumes && response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && response.Content.Headers.ContentRange?.Length == _resumeFrom;
            if (!SkipHttpErrorCheck && !response.IsSuccessStatusCode && !complete) RefuseFailure(request, response);
            byte[] content = complete ? [] : Take(response);
            ProcessResponse(response, content);
            if (WebSession.MaximumRedirection == 0 && IsRedirect(response))
                WriteError(new ErrorRecord(new InvalidOperationException(), "MaximumRedirectExceeded", ErrorCategory.InvalidOperation, WithoutSecret(request)) {
                    ErrorDetails = new ErrorDetails("The maximum redirection count has been exceeded. To increase the number of redirections allowed, supply a higher value to the -MaximumRedirection parameter.") });
        }
        catch (HttpRequestException e)
        {
            HttpRequestException shown = e.InnerException as EgressRefusedException ?? e;
            var record = new ErrorRecord(shown, "WebCmdletWebResponseException", ErrorCategory.InvalidOperation, WithoutSecret(request));
            if (shown.InnerException != null) record.ErrorDetails = new ErrorDetails(shown.InnerException.Message);
            ThrowTerminatingError(record);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested) { }
        catch (TaskCanceledException e) { ThrowTerminatingError(new ErrorRecord(e, "ConnectionTimeoutReached", ErrorCategory.OperationTimeout, null)); }
        catch (TimeoutException e) { ThrowTerminatingError(new ErrorRecord(e, "OperationTimeoutReached", ErrorCategory.OperationTimeout, null)); }
        catch (NotSupportedException e) { ThrowTerminatingError(new ErrorRecord(e, "WebCmdletIEDomNotSupportedException", ErrorCategory.NotImplemented, null)); }
    }

    // Sends; again after a failed status as often as asked; and follows redirects where the handler is not to.
    HttpResponseMessage Send(HttpClient client, ref HttpRequestMessage request)
    {
        int retries = WebSession.MaximumRetryCount, redirects = WebSession.MaximumRedirection < 0 ? 50 : WebSession.MaximumRedirection;
        while (true)
        {
            HttpResponseMessage response = client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _stop.Token).GetAwaiter().GetResult();
            if (FollowsItself && redirects-- > 0 && IsRedirect(response) && response.Headers.Location is { } location)
            {
                var target = new Uri(request.RequestUri, location);
                if (target.Scheme == Uri.UriSchemeHttp && request.RequestUri.Scheme == Uri.UriSchemeHttps && !AllowInsecureRedirect) return response;
                if (!PreserveAuthorizationOnRedirect) WebSession.Headers.Remove("Authorization");
                bool get = !PreserveHttpMethodOnRedirect && ForcesGet(response.StatusCode, request.Method);
                request = get ? NewRequest(target, HttpMethod.Get, false) : NewRequest(target, request.Method);
                response.Dispose();
                continue;
            }
            // More is here than there: what is here cannot be its beginning.
            if (_resumes && response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && response.Content.Headers.ContentRange?.Length is { } all && all != _resumeFrom)
            {
                _resumes = false;
                response.Dispose();
                request = NewRequest(request.RequestUri, request.Method);
                continue;
            }
            if (retries <= 0 || (int)response.StatusCode is not (304 or >= 400 and < 600)) return response;
            retries--;
            TimeSpan wait = TimeSpan.FromSeconds(WebSession.RetryIntervalInSeconds);
            if (response.StatusCode == HttpStatusCode.TooManyRequests && response.Headers.RetryAfter?.Delta is { } asked) wait = asked;
            WriteVerbose($"Retrying after interval of {wait.TotalSeconds} seconds. Status code for previous attempt: {response.StatusCode}");
            response.Dispose();
            _stop.Token.WaitHandle.WaitOne(wait);
            _stop.Token.ThrowIfCancellationRequested();
            request = NewRequest(request.RequestUri, request.Method);
        }
    }

    // Errors are logged with the request they are about.
    static HttpRequestMessage WithoutSecret(HttpRequestMessage request)
    {
        if (request.Headers.Authorization is { Parameter: { } secret } sent)
            request.Headers.Authorization = new AuthenticationHeaderValue(sent.Scheme, "****" + (secret.Length > 4 ? secret[^4..] : string.Empty));
        return request;
    }

    static bool IsRedirect(HttpResponseMessage response) => (int)response.StatusCode is 300 or 301 or 302 or 303 or 307 or 308;

    static bool ForcesGet(HttpStatusCode status, HttpMethod method) => (int)status is 301 or 302 or 300 && method == HttpMethod.Post || (int)status == 303 && method != HttpMethod.Head;

    void RefuseFailure(HttpRequestMessage request, HttpResponseMessage response)
    {
        var failure = new HttpResponseException($"Response status code does not indicate success: {(int)response.StatusCode} ({response.ReasonPhrase}).", response);
        var record = new ErrorRecord(failure, "WebCmdletWebResponseException", ErrorCategory.InvalidOperation, WithoutSecret(request));
        byte[] content = Buffered(response);
        string details = WebText.Failure(WebText.Decode(content, response.Content.Headers.ContentType?.CharSet, out _), response.Content.Headers.ContentType?.MediaType);
        if (!string.IsNullOrEmpty(details)) record.ErrorDetails = new ErrorDetails(details);
        ThrowTerminatingError(record);
    }

    // The content in memory, in the file, or both.
    byte[] Take(HttpResponseMessage response)
    {
        if (OutFile == null) return Buffered(response);
        _outFile = FileFor(response);
        bool append = _resumes && response.StatusCode == HttpStatusCode.PartialContent;
        if (PassThru)
        {
            byte[] content = Buffered(response);
            using FileStream copy = OpenOutFile(append);
            copy.Write(content);
            return content;
        }
        using FileStream file = OpenOutFile(append);
        Copy(response, file);
        return [];
    }

    FileStream OpenOutFile(bool append) => new(_outFile, append ? FileMode.Append : FileMode.Create, FileAccess.Write, FileShare.Read);

    // Into a directory under the name that the response or its address gives, else where -OutFile says.
    string FileFor(HttpResponseMessage response)
    {
        string path = Files.Resolve(this, OutFile, false);
        if (!Directory.Exists(path)) return path;
        string name = response.Content.Headers.ContentDisposition?.FileNameStar ?? response.Content.Headers.ContentDisposition?.FileName?.Trim('"');
        name = Path.GetFileName(string.IsNullOrEmpty(name) ? response.RequestMessage.RequestUri.Segments[^1].Trim('/') : name);
        return Path.Combine(path, string.IsNullOrEmpty(name) ? response.RequestMessage.RequestUri.Host : WebUtility.UrlDecode(name));
    }

    // Keeps the content with the response, so that scripts can read it there again.
    byte[] Buffered(HttpResponseMessage response)
    {
        using var all = new MemoryStream();
        Copy(response, all);
        byte[] content = all.ToArray();
        var kept = new ByteArrayContent(content);
        foreach (var header in response.Content.Headers) kept.Headers.TryAddWithoutValidation(header.Key, header.Value);
        response.Content = kept;
        return content;
    }

    void Copy(HttpResponseMessage response, Stream to)
    {
        using Stream from = response.Content.ReadAsStream(_stop.Token);
        var block = new byte[65536];
        long total = 0;
        for (int read; (read = Read(from, block)) > 0;)
        {
            total += read;
            if (total > WebPolicy.MaxResponseBytes)
                throw new HttpRequestException($"The response from {response.RequestMessage.RequestUri.Host} is larger than the {WebPolicy.MaxResponseBytes} bytes allowed here.");
            to.Write(block, 0, read);
        }
    }

    int Read(Stream from, byte[] block)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        if (OperationTimeoutSeconds > 0) limit.CancelAfter(TimeSpan.FromSeconds(OperationTimeoutSeconds));
        try { return from.ReadAsync(block, limit.Token).AsTask().GetAwaiter().GetResult(); }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            throw new TimeoutException($"The operation has timed out: nothing came for {OperationTimeoutSeconds} seconds (-OperationTimeoutSeconds).");
        }
        catch (IOException e) { throw new HttpRequestException(e.Message, e); }
    }

    // Requests.

    HttpMethod RequestMethod => CustomMethod != null ? new HttpMethod(CustomMethod.ToUpperInvariant())
        : Method == WebRequestMethod.Default ? HttpMethod.Get : new HttpMethod(Method.ToString().ToUpperInvariant());

    Uri Absolute(Uri given)
    {
        Uri uri = given.IsAbsoluteUri ? given : new Uri("http://" + given.OriginalString);
        if (Body is { } body && (body is PSObject wrapped ? wrapped.BaseObject : body) is IDictionary pairs && RequestMethod == HttpMethod.Get)
        {
            var builder = new UriBuilder(uri);
            string query = WebText.UrlEncode(pairs);
            builder.Query = builder.Query is { Length: > 1 } before ? $"{before[1..]}&{query}" : query;
            uri = builder.Uri;
        }
        return uri;
    }

    HttpRequestMessage NewRequest(Uri uri, HttpMethod method, bool withContent = true)
    {
        var request = new HttpRequestMessage(method, uri) { Version = HttpVersion ?? System.Net.HttpVersion.Version11 };
        foreach (var header in WebSession.Headers)
        {
            if (SkipHeaderValidation) request.Headers.TryAddWithoutValidation(header.Key, header.Value);
            else request.Headers.Add(header.Key, header.Value);
        }
        if (!WebSession.Headers.ContainsKey("User-Agent"))
        {
            if (SkipHeaderValidation) request.Headers.TryAddWithoutValidation("User-Agent", WebSession.UserAgent);
            else request.Headers.Add("User-Agent", WebSession.UserAgent);
        }
        if (DisableKeepAlive) request.Headers.Add("Connection", "Close");
        if (TransferEncoding != null)
        {
            request.Headers.TransferEncodingChunked = true;
            if (TransferEncoding != "chunked") request.Headers.TransferEncoding.Add(new TransferCodingHeaderValue(TransferEncoding));
        }
        if (_resumes) AskForRest(request);
        if (withContent) AddContent(request);
        return request;
    }

    void AskForRest(HttpRequestMessage request)
    {
        var there = new FileInfo(Files.Resolve(this, OutFile, false));
        _resumeFrom = there.Exists ? there.Length : 0;
        request.Headers.Range = new RangeHeaderValue(_resumeFrom, null);
    }

    void AddContent(HttpRequestMessage request)
    {
        string type = ContentType ?? WebSession.ContentHeaders.GetValueOrDefault("Content-Type");
        if (type == null && (request.Method == HttpMethod.Post || request.Method == HttpMethod.Put || request.Method == HttpMethod.Patch)) type = "application/x-www-form-urlencoded";
        object body = Body is PSObject wrapped ? wrapped.BaseObject : Body;
        HttpContent content = null;
        if (Form != null) content = Multipart();
        else if (InFile != null) content = new StreamContent(File.OpenRead(_inFile));
        else
            switch (body)
            {
                case null: break;
                case IDictionary when request.Method == HttpMethod.Get: break;    // it is in the address
                case IDictionary pairs: content = new ByteArrayContent(Encoding.UTF8.GetBytes(WebText.UrlEncode(pairs))); break;
                case System.Xml.XmlNode node: content = new ByteArrayContent(EncodingOf(node, type).GetBytes(node.OuterXml)); break;
                case Stream stream: content = new StreamContent(stream); break;
                case byte[] bytes: content = new ByteArrayContent(bytes); break;
                case MultipartFormDataContent made: content = made; break;
                default: content = new ByteArrayContent(EncodingOf(type).GetBytes((string)LanguagePrimitives.ConvertTo(Body, typeof(string), System.Globalization.CultureInfo.InvariantCulture))); break;
            }
        if (content == null)
        {
            // An empty body means something to every method but GET, to which some servers object.
            if (request.Method == HttpMethod.Get && ContentType == null) return;
            content = new ByteArrayContent([]);
        }
        request.Content = content;
        bool ownType = content is MultipartContent;
        foreach (var header in WebSession.ContentHeaders.Where(h => !h.Key.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)))
            content.Headers.TryAddWithoutValidation(header.Key, header.Value);
        if (string.IsNullOrWhiteSpace(type) || ownType && ContentType == null) return;
        content.Headers.Remove("Content-Type");
        if (SkipHeaderValidation) content.Headers.TryAddWithoutValidation("Content-Type", type);
        else
        {
            try { content.Headers.Add("Content-Type", type); }
            catch (FormatException e)
            {
                ThrowTerminatingError(new ErrorRecord(new ValidationMetadataException("The cmdlet cannot run because the -ContentType parameter is not a valid Content-Type header. Specify a valid Content-Type for -ContentType, then retry. To suppress header validation, supply the -SkipHeaderValidation parameter.", e),
                    "WebCmdletContentTypeException", ErrorCategory.InvalidArgument, ContentType));
            }
        }
    }

    static Encoding EncodingOf(string type)
    {
        if (type == null || !MediaTypeHeaderValue.TryParse(type, out MediaTypeHeaderValue media) || string.IsNullOrEmpty(media.CharSet)) return EncodingArgumentAttribute.Default;
        try { return Encoding.GetEncoding(media.CharSet.Trim('"')); }
        catch (ArgumentException) { return EncodingArgumentAttribute.Default; }
    }

    // A document that names its encoding is sent in it.
    static Encoding EncodingOf(System.Xml.XmlNode node, string type)
    {
        if (node is System.Xml.XmlDocument { FirstChild: System.Xml.XmlDeclaration { Encoding: { Length: > 0 } name } })
        {
            try { return Encoding.GetEncoding(name); }
            catch (ArgumentException) { }
        }
        return EncodingOf(type);
    }

    MultipartFormDataContent Multipart()
    {
        var form = new MultipartFormDataContent(Guid.NewGuid().ToString());
        foreach (DictionaryEntry field in Form) Add(form, field.Key, field.Value, true);
        return form;
    }

    static void Add(MultipartFormDataContent form, object name, object value, bool spread)
    {
        object o = value is PSObject wrapped ? wrapped.BaseObject : value;
        string field = LanguagePrimitives.ConvertTo<string>(name);
        if (o is FileInfo file)
        {
            var content = new StreamContent(file.OpenRead());
            content.Headers.ContentDisposition = new ContentDispositionHeaderValue("form-data") { Name = $"\"{field}\"", FileName = $"\"{file.Name}\"" };
            content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            form.Add(content);
        }
        else if (spread && o is IEnumerable many and not string)
            foreach (object item in many) Add(form, name, item, false);
        else
        {
            var content = new StringContent(LanguagePrimitives.ConvertTo<string>(o) ?? string.Empty);
            content.Headers.ContentDisposition = new ContentDispositionHeaderValue("form-data") { Name = $"\"{field}\"" };
            form.Add(content);
        }
    }

    // Where the handler's own way of following redirects would lose what the script asked to keep.
    bool FollowsItself => PreserveAuthorizationOnRedirect || AllowInsecureRedirect || PreserveHttpMethodOnRedirect;

    HttpClient NewClient()
    {
        if (WebPolicy.DryRun?.Invoke() is { } dry) return new HttpClient(dry);
        var handler = new SocketsHttpHandler {
            ConnectCallback = UnixSocket == null ? WebPolicy.Connect : ConnectUnix,
            CookieContainer = WebSession.Cookies, AutomaticDecompression = DecompressionMethods.All,
            AllowAutoRedirect = !FollowsItself && WebSession.MaximumRedirection != 0 };
        if (WebSession.MaximumRedirection > 0) handler.MaxAutomaticRedirections = WebSession.MaximumRedirection;
        handler.Credentials = WebSession.UseDefaultCredentials ? CredentialCache.DefaultCredentials : WebSession.Credentials;
        if (NoProxy) handler.UseProxy = false;
        else if (WebSession.Proxy != null) handler.Proxy = WebSession.Proxy;
        else if (WebPolicy.GatewayPort != 0) handler.Proxy = new Gateway.OtherProxies();
        if (WebSession.Certificates != null)
        {
            handler.SslOptions.ClientCertificates = WebSession.Certificates;
            handler.SslOptions.LocalCertificateSelectionCallback = (_, _, mine, _, _) => mine.Count > 0 ? mine[0] : null;
        }
        if (SkipCertificateCheck) handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        handler.SslOptions.EnabledSslProtocols = (SslProtocols)SslProtocol;
        return new HttpClient(handler) { Timeout = ConnectionTimeoutSeconds > 0 ? TimeSpan.FromSeconds(ConnectionTimeoutSeconds) : Timeout.InfiniteTimeSpan };
    }

    async ValueTask<Stream> ConnectUnix(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.IP);
        try
        {
            await socket.ConnectAsync(UnixSocket, cancel).ConfigureAwait(false);
            return new System.Net.Sockets.NetworkStream(socket, true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
