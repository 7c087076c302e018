// Program.cs - the bundled engine as a worker.

using System;

namespace Reactions.PowerShell;

static class Program
{
    static int Main(string[] args)
    {
        // The build asks for the files that Get-Help reads.
        if (args is ["--write-help", var folder])
        {
            HelpFile.Write(folder);
            return 0;
        }
        if (Environment.GetEnvironmentVariable("REACTIONS_PROTOCOL_FD") == null)
        {
            Console.Error.WriteLine("Reactions.Host runs scripts for the Octopus Reactions server, which starts it with REACTIONS_PROTOCOL_FD set. To run a script by hand: reactions script FILE");
            return 2;
        }
        Environment.SetEnvironmentVariable("POWERSHELL_TELEMETRY_OPTOUT", "1");
        WebPolicy.Allows = (host, address, port) => Worker.MayConnect(host, address.ToString(), port);
        if (int.TryParse(Environment.GetEnvironmentVariable("REACTIONS_GATEWAY_PORT"), out int port)) WebPolicy.GatewayPort = port;
        Environment.SetEnvironmentVariable("REACTIONS_GATEWAY_PORT", null);
        WebPolicy.DryRun = () => Worker.IsDryRun ? new DryRunHandler() : null;
        Worker.Serve(new BundledEngine());
        return 0;
    }
}
