// DotNetClient.cs - $OctopusRepository: Octopus's own .NET client, where the reaction lists its assembly and asks for it.
//
// It is given a local address and a token of the server's broker, good for this run; the identity's key stays with the server.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;

namespace Reactions.PowerShell;

internal static class DotNetClient
{
    static readonly string[] Files = ["Octopus.Client.dll", "Octopus.Server.Client.dll"];

    public static object Repository(IReadOnlyDictionary<string, string> modules, string url, string token)
    {
        string path = Files.Where(modules.ContainsKey).Select(f => modules[f]).FirstOrDefault()
            ?? throw new FileNotFoundException("The reaction asks for the .NET client (OctopusClient), but lists no module Octopus.Client.dll.");
        Assembly client = Assembly.LoadFrom(path);
        object endpoint = Make(client, "Octopus.Client.OctopusServerEndpoint", url, token);
        return Make(client, "Octopus.Client.OctopusRepository", endpoint);
    }

    static object Make(Assembly client, string name, params object[] arguments)
    {
        Type type = client.GetType(name) ?? throw new TypeLoadException($"{client.GetName().Name} {client.GetName().Version} has no type {name}; it is not the Octopus client that this worker knows.");
        try
        {
            return Activator.CreateInstance(type, arguments);
        }
        catch (TargetInvocationException e) when (e.InnerException != null)
        {
            throw e.InnerException;
        }
    }
}
