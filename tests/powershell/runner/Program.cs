// CaseRunner: runs every case of a file in the bundled engine with our commands. See run-cases.
//
//   CaseRunner CASES OUT URL

using System;
using System.IO;
using System.Linq;
using System.Management.Automation.Runspaces;
using Reactions.PowerShell;

if (args.Length != 3)
{
    Console.Error.WriteLine("usage: CaseRunner CASES OUT URL");
    return 2;
}
Oracle.NewState = () =>
{
    InitialSessionState state = InitialSessionState.Create();
    CommandSet.AddTo(state);
    return state;
};
string root = Path.Combine(Path.GetTempPath(), "oracle-" + Guid.NewGuid().ToString("N"));
Directory.CreateDirectory(root);
try
{
    File.WriteAllLines(args[1], File.ReadLines(args[0]).Where(line => line.Trim() != "")
        .Select(line => Oracle.RunLine(line, root, args[2], null, 30000)).ToList());
}
finally
{
    Directory.Delete(root, true);
}
return 0;
