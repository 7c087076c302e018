// OctopusClient.cs - $Octopus: the API of the reaction's Octopus server, with its identity, through the server's broker.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Reactions.PowerShell;

/// <summary>An answer of Octopus that is no success, or none at all.</summary>
public sealed class OctopusApiException(string message, int status, string body) : Exception(message)
{
    public int StatusCode { get; } = status;
    public string Body { get; } = body;
}

/// <summary>Calls the Octopus API. Paths begin with `/api`, or are below the space: `projects/web-shop`. Link templates may be given as they are.</summary>
public sealed partial class OctopusClient
{
    readonly Run run;

    internal OctopusClient(Run run, string baseUri, string spaceId, string spaceName, string identity)
    {
        this.run = run;
        (BaseUri, SpaceId, SpaceName, Identity) = (baseUri, spaceId, spaceName, identity);
    }

    public string BaseUri { get; }
    public string SpaceId { get; }

    // Where the space's resources lie: by id, by slug, or the default space (octopus-api.md, ground rules).
    public string SpacePath => string.IsNullOrEmpty(SpaceId) ? "/api"
        : SpaceId.StartsWith("Spaces-", StringComparison.OrdinalIgnoreCase) ? "/api/" + SpaceId
        : "/api/spaces/" + Uri.EscapeDataString(SpaceId);
    public string SpaceName { get; }
    public string Identity { get; }

    public object Get(string path) => Send("GET", path, null, null);
    public object Post(string path, object body) => Send("POST", path, null, body);
    public object Post(string path) => Send("POST", path, null, null);
    public object Put(string path, object body) => Send("PUT", path, null, body);
    public object Delete(string path) => Send("DELETE", path, null, null);

    public override string ToString() => BaseUri ?? run.NoClientReason ?? "no Octopus";

    // A withheld call (dry run) gives null and isWithheld.
    internal object Send(string method, string path, IDictionary query, object body) => Send(method, path, query, body, out _);

    internal object Send(string method, string path, IDictionary query, object body, out bool isWithheld)
    {
        if (Identity == null)
            throw new OctopusApiException(run.NoClientReason ?? "This reaction has no identity, so its script cannot call Octopus.", 0, null);
        string target = Target(path, query);
        string text = body == null ? null : BodyText(body);
        var headers = new Dictionary<string, string> { ["Accept"] = "application/json" };
        if (text != null)
            headers["Content-Type"] = "application/json";
        BrokerReply reply = run.Broker.Octopus(method, target, headers, text);
        return Result(method, target, reply, out isWithheld);
    }

    internal object SendBytes(string method, string path, string contentType, byte[] body)
    {
        string target = Target(path, null);
        var headers = new Dictionary<string, string> { ["Accept"] = "application/json", ["Content-Type"] = contentType };
        return Result(method, target, run.Broker.OctopusBytes(method, target, headers, body), out _);
    }

    object Result(string method, string target, BrokerReply reply, out bool isWithheld)
    {
        isWithheld = reply.IsWithheld;
        if (isWithheld)
        {
            run.Log.Add(Level.Info, $"Dry run: {method} {target} was not sent.");
            return null;
        }
        if (reply.Status is 0 or < 200 or >= 300)
            throw Failure(method, target, reply);
        string answer = reply.Text;
        if (string.IsNullOrWhiteSpace(answer))
            return null;
        try
        {
            return FromJson.Value(FromJson.Parse(answer));
        }
        catch (JsonException)
        {
            return answer;
        }
    }

    string Target(string path, IDictionary query)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        // Links are RFC 6570 templates: /api/Spaces-1/projects{/id}{?skip,take}. What is not filled in falls away.
        string target = Regex.Replace(path, @"\{[/?&#+.;]?[A-Za-z0-9_,.*:]*\}", string.Empty);
        if (AbsoluteAddress().IsMatch(target))
            target = OnOurServer(target);
        if (target.StartsWith("~/", StringComparison.Ordinal))
            target = target[1..];
        if (target[0] != '/')
            target = target.StartsWith("api/", StringComparison.OrdinalIgnoreCase) ? "/" + target : $"{SpacePath}/{target}";
        foreach (DictionaryEntry item in query ?? new Hashtable())
            target += (target.Contains('?') ? '&' : '?') + Uri.EscapeDataString(item.Key.ToString()) + "=" + Uri.EscapeDataString(QueryText(item.Value));
        return target;
    }

    // An address in full, as links of another answer or BaseUri give it, is good as long as it is on the connection's server: the
    // identity's key goes along, and belongs to no other.
    string OnOurServer(string address)
    {
        if (Uri.TryCreate(address, UriKind.Absolute, out Uri given) && Uri.TryCreate(BaseUri, UriKind.Absolute, out Uri own)
            && given.Scheme == own.Scheme && given.Port == own.Port && given.Host.Equals(own.Host, StringComparison.OrdinalIgnoreCase) && given.UserInfo.Length == 0)
        {
            string below = own.AbsolutePath.TrimEnd('/');
            if (given.AbsolutePath.StartsWith(below + "/", StringComparison.OrdinalIgnoreCase))
                return given.PathAndQuery[below.Length..];
        }
        throw new OctopusApiException($"{address} is not on this reaction's Octopus server, {BaseUri}, so it was not called. Give a path, as in /api/users/me or projects/all; other servers are for Invoke-RestMethod.", 0, null);
    }

    [GeneratedRegex("^[a-z][a-z0-9+.-]*://", RegexOptions.IgnoreCase)]
    private static partial Regex AbsoluteAddress();

    static string QueryText(object value) => (value is PSObject wrapped ? wrapped.BaseObject : value) switch {
        string text => text, bool flag => flag ? "true" : "false", IEnumerable list => string.Join(",", list.Cast<object>().Select(ToJson.TextOf)), var other => ToJson.TextOf(other) };

    static string BodyText(object body) =>
        (body is PSObject wrapped ? wrapped.BaseObject : body) is string text ? text : ToJson.Text(body, 20 << 20);

    static OctopusApiException Failure(string method, string target, BrokerReply reply)
    {
        if (reply.Status == 0)
            return new OctopusApiException($"{method} {target}: {reply.Error ?? "Octopus did not answer."}", 0, null);
        var message = new StringBuilder($"Octopus answered {reply.Status} ({(HttpStatusCode)reply.Status}) to {method} {target}");
        string detail = reply.Error;
        try
        {
            JsonElement body = FromJson.Parse(reply.Text);
            detail ??= body.TextOf("ErrorMessage");
            string[] errors = [.. body.ItemsOf("Errors").Where(e => e.ValueKind == JsonValueKind.String).Select(FromJson.Text).Where(e => e != detail)];
            if (errors.Length > 0)
                detail = detail == null ? string.Join(" ", errors) : detail + " " + string.Join(" ", errors);
        }
        catch (JsonException)
        {
            // Not Octopus's own words: a proxy's page, perhaps.
        }
        if (!string.IsNullOrEmpty(detail))
            message.Append(": ").Append(detail);
        return new OctopusApiException(message.ToString(), reply.Status, reply.Text);
    }
}
