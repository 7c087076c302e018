// DryRunHandler.cs - web requests of a dry run: asked of the server, which makes reads and withholds the rest. Nothing is sent from here.

using System.Collections.Generic;
using System.Net;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;

namespace Reactions.PowerShell;

sealed class DryRunHandler : HttpMessageHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        var headers = new Dictionary<string, string>();
        foreach (KeyValuePair<string, IEnumerable<string>> header in request.Headers)
            headers[header.Key] = string.Join(", ", header.Value);
        byte[] body = null;
        if (request.Content != null)
        {
            body = await request.Content.ReadAsByteArrayAsync(cancel).ConfigureAwait(false);
            foreach (KeyValuePair<string, IEnumerable<string>> header in request.Content.Headers)
                headers[header.Key] = string.Join(", ", header.Value);
        }
        headers.Remove("Content-Length");
        (int status, Dictionary<string, string> got, byte[] bytes, string error) = Worker.AskForWeb(request.Method.Method, request.RequestUri.AbsoluteUri, headers, body);
        if (!string.IsNullOrEmpty(error))
            throw new HttpRequestException(error);
        var response = new HttpResponseMessage(status == 0 ? HttpStatusCode.NoContent : (HttpStatusCode)status) { RequestMessage = request, Content = new ByteArrayContent(bytes ?? []) };
        foreach (KeyValuePair<string, string> header in got ?? [])
            if (!response.Headers.TryAddWithoutValidation(header.Key, header.Value))
                response.Content.Headers.TryAddWithoutValidation(header.Key, header.Value);
        return response;
    }
}
