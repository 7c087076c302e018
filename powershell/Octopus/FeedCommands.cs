// FeedCommands.cs - Find-FeedPackage and Get-FeedReleaseNotes: NuGet feeds, versions 2 and 3 of their protocol.
//
// All requests go through the server, which checks the host. Credentials go to the feed's own scheme, host and port only.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Xml;

namespace Reactions.PowerShell;

/// <summary>A feed's answer that is no success, or none, or not what a feed says.</summary>
public sealed class FeedException(string message, int status) : Exception(message)
{
    public int StatusCode { get; } = status;
}

internal sealed record FeedPackage(string Id, string Version, string ReleaseNotes);

internal sealed class Feed
{
    const int MaximumPages = 50;

    readonly Run run;
    readonly Uri address;
    readonly Dictionary<string, string> credentials = new(StringComparer.OrdinalIgnoreCase);
    bool isVersion3;
    Uri packageBase;

    // type: "Auto", "NuGetV2" or "NuGetV3". Auto asks the feed.
    public Feed(Run run, string uri, PSCredential credential, string apiKey, string type)
    {
        this.run = run;
        if (!Uri.TryCreate(uri, UriKind.Absolute, out address) || address.Scheme is not ("http" or "https"))
            throw new ArgumentException($"'{uri}' is not the address of a feed: it begins with https:// or http://.");
        if (address.UserInfo.Length > 0)
        {
            credentials["Authorization"] = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(address.UserInfo)));
            address = new UriBuilder(address) { UserName = string.Empty, Password = string.Empty }.Uri;
        }
        if (credential != null)
        {
            NetworkCredential plain = credential.GetNetworkCredential();
            string user = string.IsNullOrEmpty(plain.Domain) ? plain.UserName : plain.Domain + "\\" + plain.UserName;
            credentials["Authorization"] = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{plain.Password}"));
        }
        if (!string.IsNullOrEmpty(apiKey))
            credentials["X-NuGet-ApiKey"] = apiKey;
        Open(type);
    }

    void Open(string type)
    {
        bool looksLike3 = address.AbsolutePath.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
        bool looksLike2 = address.AbsolutePath.TrimEnd('/').EndsWith("/api/v2", StringComparison.OrdinalIgnoreCase) || address.AbsolutePath.TrimEnd('/').EndsWith("/nuget", StringComparison.OrdinalIgnoreCase);
        isVersion3 = type == "NuGetV3" || (type == "Auto" && looksLike3);
        if (isVersion3)
            ReadIndex(address);
        else if (type == "Auto" && !looksLike2)
        {
            // Either what it answers is an index, or an index lies below it, or it speaks version 2.
            BrokerReply reply = Ask(address, "application/json, application/xml;q=0.5");
            if (reply.Status == 200 && IsIndex(reply.Text))
                UseIndex(address, reply.Text);
            else if (address.AbsolutePath.Contains("/v3", StringComparison.OrdinalIgnoreCase))
                ReadIndex(Below(address, "index.json"));
            else if (reply.Status is 401 or 403)
                throw Refusal(address, reply);
        }
    }

    void ReadIndex(Uri index) => UseIndex(index, TextOf(index, "application/json"));

    static bool IsIndex(string text)
    {
        try
        {
            return FromJson.Parse(text).Member("resources") != null;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // Resources are found by type; a type carries the version it came with: PackageBaseAddress/3.0.0.
    void UseIndex(Uri index, string text)
    {
        JsonElement json = Json(index, text);
        isVersion3 = true;
        string best = null;
        string bestVersion = null;
        foreach (JsonElement resource in json.ItemsOf("resources"))
            foreach (string resourceType in Types(resource))
            {
                string[] parts = resourceType.Split('/', 2);
                if (!parts[0].Equals("PackageBaseAddress", StringComparison.OrdinalIgnoreCase) || resource.TextOf("@id") is not { } id)
                    continue;
                string version = parts.Length > 1 ? parts[1] : "0.0.0";
                // Of versions we do not know the meaning of, a later major may mean anything.
                bool isKnown = PackageVersion.Of(version) is var v && (!v.IsVersion || v.CompareTo(PackageVersion.Of("4.0.0-0")) < 0);
                if (isKnown && (best == null || PackageVersion.Of(version).CompareTo(PackageVersion.Of(bestVersion)) > 0))
                    (best, bestVersion) = (id, version);
            }
        if (best == null)
            throw new FeedException($"The feed's index {index} lists no resource of the type PackageBaseAddress/3.0.0, from which packages are read.", 0);
        packageBase = new Uri(index, best.EndsWith('/') ? best : best + "/");
    }

    static IEnumerable<string> Types(JsonElement resource) => resource.Member("@type") switch {
        { ValueKind: JsonValueKind.String } one => [FromJson.Text(one)],
        { ValueKind: JsonValueKind.Array } many => many.EnumerateArray().Where(t => t.ValueKind == JsonValueKind.String).Select(FromJson.Text),
        _ => [] };

    // All versions of a package; none when the feed does not have it.
    public IEnumerable<FeedPackage> Versions(string id) => isVersion3 ? Versions3(id) : Versions2(id);

    IEnumerable<FeedPackage> Versions3(string id)
    {
        Uri address = new(packageBase, $"{Escaped(id.ToLowerInvariant())}/index.json");
        BrokerReply reply = Ask(address, "application/json");
        if (reply.Status == 404)
            return [];
        return Json(address, Success(address, reply)).ItemsOf("versions").Where(v => v.ValueKind == JsonValueKind.String).Select(v => new FeedPackage(id, FromJson.Text(v), null));
    }

    IEnumerable<FeedPackage> Versions2(string id)
    {
        Uri page = Below(address, $"FindPackagesById()?id={Quoted(id)}&semVerLevel=2.0.0");
        for (int pages = 0; page != null && pages < MaximumPages; pages++)
        {
            BrokerReply reply = Ask(page, "application/atom+xml, application/xml");
            if (reply.Status == 404)
                yield break;
            XmlDocument document = XmlOf(page, Success(page, reply));
            foreach (XmlElement entry in document.GetElementsByTagName("entry", "*").OfType<XmlElement>().ToArray())
                yield return Entry(entry, id);
            string next = document.GetElementsByTagName("link", "*").OfType<XmlElement>().FirstOrDefault(l => l.GetAttribute("rel") == "next")?.GetAttribute("href");
            page = string.IsNullOrEmpty(next) ? null : new Uri(page, next);
        }
    }

    // Null when the feed does not have this version; notes are empty when it has none.
    public FeedPackage Package(string id, string version) => isVersion3 ? Package3(id, version) : Package2(id, version);

    FeedPackage Package3(string id, string version)
    {
        string lowerId = id.ToLowerInvariant(), lowerVersion = PackageVersion.Of(version).Normal.ToLowerInvariant();
        Uri nuspec = new(packageBase, $"{Escaped(lowerId)}/{Escaped(lowerVersion)}/{Escaped(lowerId)}.nuspec");
        BrokerReply reply = Ask(nuspec, "application/xml");
        if (reply.Status == 404)
            return null;
        XmlElement metadata = Child(XmlOf(nuspec, Success(nuspec, reply)).DocumentElement, "metadata");
        return new FeedPackage(Child(metadata, "id")?.InnerText.Trim() ?? id, Child(metadata, "version")?.InnerText.Trim() ?? version, Child(metadata, "releaseNotes")?.InnerText ?? string.Empty);
    }

    FeedPackage Package2(string id, string version)
    {
        // The number as it was given, then in its normal form: feeds differ in which they know.
        foreach (string number in new[] { version, PackageVersion.Of(version).Normal }.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            Uri at = Below(address, $"Packages(Id={Quoted(id)},Version={Quoted(number)})");
            BrokerReply reply = Ask(at, "application/atom+xml, application/xml");
            if (reply.Status == 404)
                continue;
            XmlElement root = XmlOf(at, Success(at, reply)).DocumentElement;
            XmlElement entry = root?.LocalName == "entry" ? root : Child(root, "entry");
            if (entry != null)
                return Entry(entry, id);
        }
        return null;
    }

    static FeedPackage Entry(XmlElement entry, string id)
    {
        XmlElement properties = entry.GetElementsByTagName("properties", "*").OfType<XmlElement>().FirstOrDefault();
        return new FeedPackage(Child(properties, "Id")?.InnerText ?? Child(entry, "title")?.InnerText ?? id,
            Child(properties, "Version")?.InnerText ?? string.Empty, Child(properties, "ReleaseNotes")?.InnerText ?? string.Empty);
    }

    static XmlElement Child(XmlElement parent, string name) =>
        parent?.ChildNodes.OfType<XmlElement>().FirstOrDefault(c => c.LocalName.Equals(name, StringComparison.OrdinalIgnoreCase));

    static string Escaped(string text) => Uri.EscapeDataString(text);
    static string Quoted(string text) => "'" + Escaped(text.Replace("'", "''", StringComparison.Ordinal)) + "'";
    static Uri Below(Uri address, string path) => new(address.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/" + path);

    string TextOf(Uri address, string accept) => Success(address, Ask(address, accept));

    BrokerReply Ask(Uri address, string accept)
    {
        var headers = new Dictionary<string, string> { ["Accept"] = accept };
        if (address.Scheme == this.address.Scheme && address.Authority == this.address.Authority)
            foreach ((string name, string value) in credentials)
                headers[name] = value;
        BrokerReply reply = run.Broker.Feed(address.AbsoluteUri, headers);
        if (reply.Status == 0)
            throw new FeedException($"The feed could not be reached at {address}: {reply.Error ?? "there was no answer"}", 0);
        return reply;
    }

    string Success(Uri address, BrokerReply reply) => reply.Status is >= 200 and < 300 ? reply.Text : throw Refusal(address, reply);

    FeedException Refusal(Uri address, BrokerReply reply)
    {
        string hint = reply.Status is not (401 or 403) ? string.Empty
            : credentials.Count == 0 ? " It wants -Credential or -ApiKey." : " The credential that was given is not accepted.";
        return new FeedException($"The feed answered {reply.Status} ({(HttpStatusCode)reply.Status}) to GET {address}.{hint}", reply.Status);
    }

    static JsonElement Json(Uri address, string text)
    {
        try
        {
            return FromJson.Parse(text);
        }
        catch (JsonException e)
        {
            throw new FeedException($"What the feed answered at {address} is not JSON: {e.Message}", 0);
        }
    }

    static XmlDocument XmlOf(Uri address, string text)
    {
        try
        {
            return Xml.Document(text);
        }
        catch (XmlException e)
        {
            throw new FeedException($"What the feed answered at {address} is not XML: {e.Message}", 0);
        }
    }
}

public abstract class FeedCommand : RunCommand
{
    [Parameter(Mandatory = true, Position = 0)][Alias("Feed", "Uri", "Source", "FeedUrl")] public string FeedUri { get; set; }
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)][Alias("Id", "Package", "PackageName", "Name")] public string PackageId { get; set; }
    [Parameter] public PSCredential Credential { get; set; }
    [Parameter][Alias("FeedKey")] public string ApiKey { get; set; }
    [Parameter][ValidateSet("Auto", "NuGetV2", "NuGetV3")] public string FeedType { get; set; } = "Auto";

    private protected T Ask<T>(Func<Feed, T> ask)
    {
        try
        {
            return ask(new Feed(Run, FeedUri, Credential, ApiKey, FeedType));
        }
        catch (Exception e) when (e is FeedException or ArgumentException)
        {
            ThrowTerminatingError(new ErrorRecord(e, "Feed", e is FeedException { StatusCode: 401 or 403 } ? ErrorCategory.PermissionDenied : ErrorCategory.ReadError, FeedUri));
            throw;
        }
    }
}

/// <summary>The versions of a package that a feed has, newest first; with -Version the one.</summary>
[Cmdlet(VerbsCommon.Find, "FeedPackage")]
public sealed class FindFeedPackageCommand : FeedCommand
{
    [Parameter(Position = 2, ValueFromPipelineByPropertyName = true)] public string Version { get; set; }
    [Parameter][Alias("IncludePrerelease", "AllowPrerelease")] public SwitchParameter Prerelease { get; set; }
    [Parameter][ValidateRange(1, int.MaxValue)] public int First { get; set; } = int.MaxValue;
    [Parameter] public SwitchParameter Latest { get; set; }

    protected override void ProcessRecord()
    {
        if (Version != null)
        {
            if (Ask(f => f.Package(PackageId, Version)) is { } found)
                WriteObject(Shown(found));
            else
                WriteError(new ErrorRecord(new ItemNotFoundException($"The feed {FeedUri} has no package {PackageId} {Version}."), "NotFound", ErrorCategory.ObjectNotFound, PackageId));
            return;
        }
        FeedPackage[] all = Ask(f => f.Versions(PackageId).ToArray());
        foreach (FeedPackage package in all.Where(p => Prerelease || !PackageVersion.Of(p.Version).IsPrerelease)
            .OrderByDescending(p => PackageVersion.Of(p.Version)).Take(Latest ? 1 : First))
            WriteObject(Shown(package));
    }

    PSObject Shown(FeedPackage package) => OctopusCommand.Made("Id", package.Id, "Version", package.Version, "ReleaseNotes", package.ReleaseNotes, "FeedUri", FeedUri);
}

/// <summary>The release notes in a package's own description; empty where it has none.</summary>
[Cmdlet(VerbsCommon.Get, "FeedReleaseNotes")]
public sealed class GetFeedReleaseNotesCommand : FeedCommand
{
    [Parameter(Mandatory = true, Position = 2, ValueFromPipelineByPropertyName = true)] public string Version { get; set; }

    protected override void ProcessRecord()
    {
        if (Ask(f => f.Package(PackageId, Version)) is { } found)
            WriteObject(found.ReleaseNotes ?? string.Empty);
        else
            WriteError(new ErrorRecord(new ItemNotFoundException($"The feed {FeedUri} has no package {PackageId} {Version}."), "NotFound", ErrorCategory.ObjectNotFound, PackageId));
    }
}
