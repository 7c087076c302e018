// ProcessStatus.cs - what the kernel says of this process, read from files that stay open: it is asked twice a run.

using System;
using System.Globalization;
using System.IO;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Reactions.PowerShell;

internal static class ProcessStatus
{
    static readonly SafeFileHandle Stat = File.OpenHandle("/proc/self/stat"), Statm = File.OpenHandle("/proc/self/statm");

    public static int Threads => (int)Field(Stat, 17);

    public static long ResidentBytes => Field(Statm, 1) * Environment.SystemPageSize;

    // Fields are counted from 0; of stat, after the name in brackets, which may hold spaces.
    static long Field(SafeFileHandle file, int index)
    {
        Span<byte> bytes = stackalloc byte[1024];
        string text = Encoding.ASCII.GetString(bytes[..RandomAccess.Read(file, bytes, 0)]);
        string[] fields = text[(text.LastIndexOf(')') is var end and >= 0 ? end + 2 : 0)..].Split(' ');
        return long.Parse(fields[index], CultureInfo.InvariantCulture);
    }
}
