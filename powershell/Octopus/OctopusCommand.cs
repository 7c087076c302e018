// OctopusCommand.cs - what all commands for the Octopus API share: asking, finding by id, slug or name, failing clearly.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Threading;

namespace Reactions.PowerShell;

public abstract class OctopusCommand : RunCommand
{
    const int PageSize = 1000, MaximumPages = 100;

    readonly ManualResetEventSlim stopping = new();

    internal OctopusClient Client => Run.Octopus;

    // The path of the space's resources.
    internal string Space => Client.SpacePath;

    protected override void StopProcessing() => stopping.Set();

    // False when the run is being stopped.
    internal bool Sleep(TimeSpan time) => !stopping.Wait(time);

    internal object Get(string path, IDictionary query = null)
    {
        try
        {
            return Client.Send("GET", path, query, null);
        }
        catch (OctopusApiException e)
        {
            throw Stop(e, path);
        }
    }

    // As Get, but null where Octopus has nothing there.
    internal object TryGet(string path, IDictionary query = null)
    {
        try
        {
            return Client.Send("GET", path, query, null);
        }
        catch (OctopusApiException e) when (e.StatusCode == 404)
        {
            return null;
        }
        catch (OctopusApiException e)
        {
            throw Stop(e, path);
        }
    }

    internal object Post(string path, IDictionary query, object body, out bool isWithheld)
    {
        try
        {
            return Client.Send("POST", path, query, body, out isWithheld);
        }
        catch (OctopusApiException e)
        {
            throw Stop(e, path);
        }
    }

    // Never returns; the value is for `throw`, so that the compiler sees it too.
    internal Exception Stop(Exception e, object target, string id = "OctopusApi")
    {
        ErrorCategory category = (e as OctopusApiException)?.StatusCode switch {
            401 => ErrorCategory.AuthenticationError, 403 => ErrorCategory.PermissionDenied, 404 => ErrorCategory.ObjectNotFound, 400 or 409 or 422 => ErrorCategory.InvalidArgument,
            0 => ErrorCategory.ConnectionError, _ => ErrorCategory.InvalidOperation };
        ThrowTerminatingError(new ErrorRecord(e, id, category, target));
        return e;
    }

    internal Exception Stop(string message, object target, string id = "OctopusCommand") => Stop(new InvalidOperationException(message), target, id);

    // All items of a collection, over its pages. `/all` routes answer plain lists.
    internal IEnumerable<PSObject> Items(string path, IDictionary query = null)
    {
        for (int page = 0; page < MaximumPages && path != null; page++)
        {
            object answer = Get(path, query);
            if (answer is object[] plain)
            {
                foreach (PSObject item in plain.OfType<PSObject>())
                    yield return item;
                yield break;
            }
            foreach (PSObject item in List(answer, "Items"))
                yield return item;
            (path, query) = (Text(Member(answer, "Links"), "Page.Next"), null);
        }
    }

    // One resource by id, slug or name; ids first, names without case. Stops with what would be right when there is none.
    internal PSObject Find(string kind, string collection, object given)
    {
        if (given is PSObject { BaseObject: not string } resource && Text(resource, "Id") != null)
            return resource;
        string wanted = given?.ToString();
        if (string.IsNullOrWhiteSpace(wanted))
            throw Stop($"No {kind} is named: give its id, slug or name.", given, "NotNamed");
        if (TryFind(collection, wanted) is { } found)
            return found;
        string[] names = [.. Items($"{Space}/{collection}", With("take", PageSize)).Select(i => Text(i, "Name")).Where(n => n != null).Take(21)];
        string known = names.Length == 0 ? $"There is none that {Client.Identity} may see."
            : "There are: " + string.Join(", ", names.Take(20)) + (names.Length > 20 ? ", ..." : ".");
        throw Stop($"There is no {kind} with the id, slug or name '{wanted}' in the space {Client.SpaceName ?? Client.SpaceId}. {known}", wanted, "NotFound");
    }

    internal PSObject TryFind(string collection, string wanted)
    {
        // Ids and slugs hold none of these; names often do.
        if (!wanted.AsSpan().ContainsAny(" /?#%.\\") && TryGet($"{Space}/{collection}/{Uri.EscapeDataString(wanted)}") is PSObject one && Text(one, "Id") != null)
            return one;
        return Items($"{Space}/{collection}", With("partialName", wanted, "take", PageSize)).FirstOrDefault(i => Is(i, wanted));
    }

    internal static bool Is(PSObject item, string wanted) =>
        Same(Text(item, "Id"), wanted) || Same(Text(item, "Slug"), wanted) || Same(Text(item, "Name"), wanted);

    internal static bool Same(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);

    internal static Hashtable With(params object[] pairs)
    {
        var query = new Hashtable();
        for (int i = 0; i < pairs.Length; i += 2)
            if (pairs[i + 1] != null)
                query[pairs[i]] = pairs[i + 1];
        return query;
    }

    // Members of what Octopus answered: null where there is none.

    internal static object Member(object item, string name) => (item as PSObject)?.Properties[name]?.Value;
    internal static string Text(object item, string name) => Member(item, name) as string;
    internal static bool Flag(object item, string name) => Member(item, name) is true;
    internal static IEnumerable<PSObject> List(object item, string name) => (Member(item, name) as object[] ?? []).OfType<PSObject>();

    internal static PSObject Made(params object[] pairs)
    {
        var made = new PSObject();
        for (int i = 0; i < pairs.Length; i += 2)
            made.Properties.Add(new PSNoteProperty((string)pairs[i], pairs[i + 1]));
        return made;
    }

    // What a dry run made instead of a resource: its id leads nowhere, and the commands here know it.
    internal const string WithheldSuffix = "-withheld";
    internal static bool IsWithheld(string id) => id?.EndsWith(WithheldSuffix, StringComparison.Ordinal) == true;
}
