// ProcessStatus.cs - what the kernel says of this process, read from a file that stays open: it is asked twice a run.

using System;
using System.Globalization;
using System.IO;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Reactions.PowerShell;

internal static class ProcessStatus
{
    static readonly SafeFileHandle Statm = File.OpenHandle("/proc/self/statm");

    public static long ResidentBytes
    {
        get
        {
            Span<byte> bytes = stackalloc byte[256];
            string text = Encoding.ASCII.GetString(bytes[..RandomAccess.Read(Statm, bytes, 0)]);
            return long.Parse(text.Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
        }
    }
}
