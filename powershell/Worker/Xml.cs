// Xml.cs - XML from outside: nothing is fetched, no entity is defined.

using System.IO;
using System.Xml;

namespace Reactions.PowerShell;

internal static class Xml
{
    // Throws XmlException.
    public static XmlDocument Document(string text)
    {
        var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore, XmlResolver = null, MaxCharactersFromEntities = 1024, CheckCharacters = false };
        using var reader = XmlReader.Create(new StringReader(text.TrimStart('\uFEFF', ' ', '\r', '\n', '\t')), settings);
        var document = new XmlDocument { XmlResolver = null, PreserveWhitespace = false };
        document.Load(reader);
        return document;
    }
}
