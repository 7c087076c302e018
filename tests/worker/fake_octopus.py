"""What an Octopus server and two NuGet feeds answer to a script, with what was asked of them."""

import base64
import json
import re
import urllib.parse
from worker import json_body, text_body

NOTES = "First line\n* <b>bold</b> & \"quoted\" #{Octopus.X} $(1+1)\nÜmläut ✓"

PROJECTS = [
    {"Id": "Projects-21", "Slug": "web-shop", "Name": "Web Shop", "DeploymentProcessId": "deploymentprocess-Projects-21", "Links": {"Channels": "/api/Spaces-1/projects/Projects-21/channels{?skip,take}"}},
    {"Id": "Projects-22", "Slug": "billing", "Name": "Billing & Co", "DeploymentProcessId": "deploymentprocess-Projects-22"},
    {"Id": "Projects-23", "Slug": "from-git", "Name": "From Git", "PersistenceSettings": {"Type": "VersionControlled", "DefaultBranch": "trunk"}},
    {"Id": "Projects-24", "Slug": "dynamic", "Name": "Dynamic", "DeploymentProcessId": "deploymentprocess-Projects-24"},
    {"Id": "Projects-25", "Slug": "nothing", "Name": "Nothing To Deploy", "DeploymentProcessId": "deploymentprocess-Projects-25"},
    {"Id": "Projects-26", "Slug": "starved", "Name": "Starved", "DeploymentProcessId": "deploymentprocess-Projects-26"},
]
CHANNELS = [
    {"Id": "Channels-9", "Name": "Beta", "IsDefault": False, "Rules": [{"VersionRange": "[2.0,)", "Tag": "beta", "ActionPackages": [{"DeploymentAction": "Deploy web", "PackageReference": ""}]}]},
    {"Id": "Channels-21", "Name": "Default", "IsDefault": True, "Rules": []},
]
ENVIRONMENTS = [{"Id": "Environments-1", "Name": "Development", "Slug": "development"}, {"Id": "Environments-2", "Name": "Production", "Slug": "production"}]
MACHINES = [
    {"Id": "Machines-41", "Name": "web01", "EnvironmentIds": ["Environments-1"], "Roles": ["web"]},
    {"Id": "Machines-42", "Name": "web02", "EnvironmentIds": ["Environments-2"], "Roles": ["web", "db"]},
]
WEB = {"ActionName": "Deploy web", "PackageReferenceName": "", "PackageId": "Acme.Web", "FeedId": "Feeds-1", "FeedName": "MyGet", "IsResolvable": True}
TOOLS = {"ActionName": "Deploy web", "PackageReferenceName": "Tools", "PackageId": "Acme.Tools", "FeedId": "Feeds-1", "FeedName": "MyGet", "IsResolvable": True}
FIXED = {"ActionName": "Deploy base", "PackageReferenceName": "", "PackageId": "Acme.Base", "FeedId": "Feeds-1", "FixedVersion": "9.9.9", "IsResolvable": True}
TEMPLATES = {
    "deploymentprocess-Projects-21": {"NextVersionIncrement": "1.4.1", "Packages": [WEB, TOOLS, FIXED]},
    "deploymentprocess-Projects-22": {"NextVersionIncrement": "0.0.1", "Packages": [WEB], "VersioningPackageStepName": "Deploy web"},
    "deploymentprocess-Projects-24": {"NextVersionIncrement": "0.0.1", "Packages": [{**WEB, "PackageId": "#{Name}", "IsResolvable": False}]},
    "deploymentprocess-Projects-25": {"NextVersionIncrement": "3.0.0", "Packages": []},
    "deploymentprocess-Projects-26": {"NextVersionIncrement": "3.0.0", "Packages": [{**WEB, "PackageId": "Acme.None"}]},
}


class FakeOctopus:
    def __init__(self, is_dry_run=False):
        self.is_dry_run = is_dry_run
        self.requests, self.task_polls = [], 0
        self.releases = {"Releases-301": {"Id": "Releases-301", "Version": "1.4.0", "ProjectId": "Projects-21"}}

    def bodies(self, method="POST"):
        return [json.loads(r["Body"]) for r in self.requests if r["Method"] == method and r.get("Body")]

    def paths(self, method=None):
        return [r["Path"] for r in self.requests if method in (None, r["Method"])]

    def __call__(self, call):
        if call["Purpose"] == "feed":
            return self.feed(call)
        self.requests.append(call)
        if self.is_dry_run and call["Method"] not in ("GET", "HEAD"):
            return {"Status": 0, "Withheld": True}
        path, _, query = call["Path"].partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        for pattern, handler in ROUTES:
            method, route = pattern.split(" ", 1)
            found = re.fullmatch(route.replace("S/", "/api/Spaces-1/"), path)
            if found and method == call["Method"]:
                return handler(self, [urllib.parse.unquote(g) for g in found.groups()], query, call)
        return missing(path)

    # --- feeds

    def feed(self, call):
        self.requests.append(call)
        url = urllib.parse.urlsplit(call["Url"])
        if url.hostname == "secret.example.com":
            wanted = "Basic " + base64.b64encode("Ann:pa:ss wörd".encode()).decode()
            if call["Headers"].get("Authorization") != wanted and call["Headers"].get("X-NuGet-ApiKey") != "key-1":
                return text_body("", 401)
        path = urllib.parse.unquote(url.path)
        if path == "/v3/index.json":
            return json_body({"version": "3.0.0", "resources": [
                {"@id": "https://feed.example.com/query", "@type": "SearchQueryService"},
                {"@id": "https://old.example.com/flat/", "@type": "PackageBaseAddress/2.0.0"},
                {"@id": f"{url.scheme}://{url.netloc}/flat", "@type": "PackageBaseAddress/3.0.0"},
                {"@id": "https://new.example.com/flat/", "@type": "PackageBaseAddress/4.0.0"}]})
        if path == "/cdn/index.json":
            return json_body({"resources": [{"@id": "https://cdn.example.com/flat/", "@type": ["PackageBaseAddress/3.0.0"]}]})
        if path == "/empty/index.json":
            return json_body({"resources": []})
        if path == "/broken/index.json":
            return text_body("<html>sorry</html>")
        if path == "/flat/acme.web/index.json":
            return json_body({"versions": ["1.2.3", "1.10.0", "1.9.0", "2.0.0-beta.2", "2.0.0-beta.11", "bad"]})
        if path == "/flat/acme.web/1.2.3/acme.web.nuspec":
            return text_body("\ufeff<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY e \"boom\">]><package xmlns=\"http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd\"><metadata><id>Acme.Web</id><version>1.2.3</version>"
                             f"<releaseNotes>{NOTES.replace('&', '&amp;').replace('<', '&lt;')}</releaseNotes></metadata></package>", content_type="application/xml")
        if path == "/flat/acme.bare/1.0.0/acme.bare.nuspec":
            return text_body("<package><metadata><id>Acme.Bare</id><version>1.0.0</version></metadata></package>", content_type="application/xml")
        if path == "/api/v2/Packages(Id='Acme.Web',Version='1.2.3')":
            return text_body(atom_entry("Acme.Web", "1.2.3", NOTES), content_type="application/atom+xml")
        if path == "/api/v2/Packages(Id='O''Hara',Version='1.0.0')":
            return text_body(atom_entry("O'Hara", "1.0.0", "it's"), content_type="application/atom+xml")
        if path == "/api/v2/FindPackagesById()":
            if "skip" in url.query:
                return text_body(f"<feed xmlns=\"http://www.w3.org/2005/Atom\">{atom_entry('Acme.Web', '1.10.0', '')}</feed>")
            return text_body(f"<feed xmlns=\"http://www.w3.org/2005/Atom\">{atom_entry('Acme.Web', '1.2.3', NOTES)}<link rel=\"next\" href=\"FindPackagesById()?id='Acme.Web'&amp;skip=1\"/></feed>")
        if url.hostname == "down.example.com":
            return {"Status": 0, "Error": "could not resolve the host"}
        return text_body("not here", 404)


def atom_entry(id, version, notes):
    notes = notes.replace("&", "&amp;").replace("<", "&lt;")
    return ("<entry xmlns=\"http://www.w3.org/2005/Atom\" xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\" xmlns:d=\"http://schemas.microsoft.com/ado/2007/08/dataservices\">"
            f"<title>{id}</title><m:properties><d:Id>{id}</d:Id><d:Version>{version}</d:Version><d:ReleaseNotes>{notes}</d:ReleaseNotes></m:properties></entry>")


def missing(path):
    return json_body({"ErrorMessage": f"The resource {path} was not found."}, 404)


def one_of(items, key, by_slug=True):
    for item in items:
        if key.lower() == item["Id"].lower() or by_slug and key.lower() == item.get("Slug", "").lower():
            return json_body(item)
    return missing(key)


def listed(items, query):
    if "partialName" in query:
        items = [i for i in items if query["partialName"].lower() in i["Name"].lower()]
    skip, take = int(query.get("skip", 0)), 2  # pages of two: whoever reads one page only misses some
    links = {"Page.Next": f"/api/Spaces-1/{query['_path']}?skip={skip + take}" + (f"&partialName={urllib.parse.quote(query['partialName'])}" if "partialName" in query else "")} if skip + take < len(items) else {}
    return json_body({"Items": items[skip:skip + take], "TotalResults": len(items), "Links": links})


def collection(name, items):
    return [(f"GET S/{name}/([^/]+)", lambda o, g, q, c: one_of(items, g[0], name == "projects")), (f"GET S/{name}", lambda o, g, q, c: listed(items, {**q, "_path": name}))]


def template(o, groups, query, call):
    return json_body(TEMPLATES[groups[0]]) if groups[0] in TEMPLATES else missing(groups[0])


def versions(o, groups, query, call):
    if query["packageId"] == "Acme.None":
        return json_body({"Items": []})
    if query.get("versionRange"):
        return json_body({"Items": [{"Version": "2.0.0-beta.1"}]})
    return json_body({"Items": [{"Version": "1.9.0" if query["packageId"] == "Acme.Web" else "5.5.5"}]})


def create_release(o, groups, query, call):
    body = json.loads(call["Body"])
    if body["Version"] == "1.4.0":
        return json_body({"ErrorMessage": "There was a problem with your request.", "Errors": ["Release 1.4.0 already exists for this project."]}, 400)
    release = {**body, "Id": "Releases-900", "Links": {}}
    o.releases[release["Id"]] = release
    return json_body(release, 201)


def create_deployment(o, groups, query, call):
    body = json.loads(call["Body"])
    if body["EnvironmentId"] == "Environments-2":
        return json_body({"ErrorMessage": "You do not have permission to perform this action."}, 403)
    return json_body({**body, "Id": "Deployments-900", "TaskId": "ServerTasks-900"}, 201)


def release_of(o, groups, query, call):
    for release in o.releases.values():
        if release["ProjectId"] == groups[0] and release["Version"] == groups[1]:
            return json_body(release)
    return missing("release")


def task(o, groups, query, call):
    o.task_polls += 1
    if groups[0] == "ServerTasks-666":
        return json_body({"Id": groups[0], "State": "Failed", "IsCompleted": True, "FinishedSuccessfully": False, "Description": "Deploy", "ErrorMessage": "The disk is full."})
    if groups[0] == "ServerTasks-7":
        return json_body({"Id": groups[0], "State": "Executing", "IsCompleted": False, "HasPendingInterruptions": True})
    done = o.task_polls >= 3
    return json_body({"Id": groups[0], "State": "Success" if done else "Executing", "IsCompleted": done, "FinishedSuccessfully": done})


ROUTES = [
    *collection("projects", PROJECTS), *collection("environments", ENVIRONMENTS), *collection("machines", MACHINES), *collection("tenants", [{"Id": "Tenants-1", "Name": "Acme"}]),
    ("GET S/projects/([^/]+)/channels", lambda o, g, q, c: json_body({"Items": CHANNELS, "Links": {}})),
    ("GET S/projects/([^/]+)/releases", lambda o, g, q, c: json_body({"Items": list(o.releases.values()), "Links": {}})),
    ("GET S/projects/([^/]+)/releases/([^/]+)", release_of),
    ("GET S/deploymentprocesses/([^/]+)/template", template),
    ("GET S/projects/[^/]+/trunk/deploymentprocesses/template", lambda o, g, q, c: json_body({"NextVersionIncrement": "7.0.0", "Packages": []})),
    ("GET S/feeds/([^/]+)/packages/versions", versions),
    ("GET S/releases/([^/]+)", lambda o, g, q, c: json_body(o.releases[g[0]]) if g[0] in o.releases else missing(g[0])),
    ("POST S/releases", create_release),
    ("POST S/deployments", create_deployment),
    ("GET S/tasks/([^/]+)", task),
    ("POST S/artifacts", lambda o, g, q, c: json_body({"Id": "Artifacts-1", "Links": {"Content": "/api/Spaces-1/artifacts/Artifacts-1/content"}}, 201)),
    ("PUT S/artifacts/Artifacts-1/content", lambda o, g, q, c: {"Status": 200, "Body": ""}),
    ("GET /api/users/me", lambda o, g, q, c: json_body({"Id": "Users-1", "Username": "bot"})),
    ("GET /api/html", lambda o, g, q, c: text_body("<html>down for maintenance</html>", 503, "text/html")),
    ("GET /api/text", lambda o, g, q, c: text_body("plain words")),
    ("GET /api/empty", lambda o, g, q, c: {"Status": 204}),
    ("GET /api/nobody", lambda o, g, q, c: {"Status": 0, "Error": "the host is not allowed"}),
]
ROUTES += [("PUT /api/echo", lambda o, g, q, c: json_body({"Body": c["Body"], "ContentType": c["Headers"].get("Content-Type")})), ("DELETE /api/echo", lambda o, g, q, c: {"Status": 204})]
