// WebCommands.cs - Invoke-RestMethod, Invoke-WebRequest.

using System;
using System.Management.Automation;
using System.Net.Http;
using System.Xml;

namespace Microsoft.PowerShell.Commands;

/// <summary>Calls a web service and makes objects of what it answers.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "RestMethod", DefaultParameterSetName = "StandardMethod")]
public class InvokeRestMethodCommand : WebRequestPSCmdlet
{
    [Parameter] [Alias("FL")] public SwitchParameter FollowRelLink { get; set; }
    [Parameter] [Alias("ML")] [ValidateRange(1, int.MaxValue)] public int MaximumFollowRelLink { get; set; } = int.MaxValue;
    [Parameter] [Alias("RHV")] public string ResponseHeadersVariable { get; set; }
    [Parameter] public string StatusCodeVariable { get; set; }

    int _followed;

    internal override void ProcessResponse(HttpResponseMessage response, byte[] content)
    {
        if (WritesToPipeline) Write(response, content);
        if (!string.IsNullOrEmpty(StatusCodeVariable)) SessionState.PSVariable.Set(StatusCodeVariable, (int)response.StatusCode);
        if (!string.IsNullOrEmpty(ResponseHeadersVariable)) SessionState.PSVariable.Set(ResponseHeadersVariable, WebText.Headers(response));
        if (FollowRelLink && ++_followed < MaximumFollowRelLink && WebText.Links(response).TryGetValue("next", out string next))
            FollowUri = new Uri(next);
    }

    void Write(HttpResponseMessage response, byte[] content)
    {
        string text = WebText.Decode(content, response.Content.Headers.ContentType?.CharSet, out System.Text.Encoding encoding);
        WriteVerbose($"Content encoding: {encoding.WebName}");
        // The type is a hint as to what is tried first; whatever does not parse is text.
        object made;
        if (WebText.IsJson(response.Content.Headers.ContentType?.MediaType))
        {
            if (WebText.TryJson(text, out made)) WriteObject(made);
            else if (WebText.TryXml(text, out XmlDocument document)) WriteXml(document);
            else WriteObject(text);
        }
        else if (WebText.TryXml(text, out XmlDocument document)) WriteXml(document);
        else if (WebText.TryJson(text, out made)) WriteObject(made);
        else WriteObject(text);
    }

    // A feed comes as its entries.
    void WriteXml(XmlDocument document)
    {
        if (document.DocumentElement?.Name.ToLowerInvariant() is not ("rss" or "feed")) WriteObject(document);
        else
            foreach (XmlNode node in document.SelectNodes("//*"))
                if (node.Name.ToLowerInvariant() is "item" or "entry") WriteObject(node);
    }
}

/// <summary>Fetches from the web and gives the response with all that belongs to it.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "WebRequest", DefaultParameterSetName = "StandardMethod")]
public class InvokeWebRequestCommand : WebRequestPSCmdlet
{
    internal override void ProcessResponse(HttpResponseMessage response, byte[] content)
    {
        if (!WritesToPipeline) return;
        WriteObject(WebText.IsText(response.Content.Headers.ContentType?.MediaType) ? new BasicHtmlWebResponseObject(response, content) : new WebResponseObject(response, content));
    }
}
