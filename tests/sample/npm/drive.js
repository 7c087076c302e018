// Drives the public TypeScript client of Octopus against octopus-sample: node drive.js URL KEY
"use strict";
const {
  Client, SpaceRepository, ProjectRepository, EnvironmentRepository, EnvironmentV2Repository, ReleaseRepository, DeploymentRepository, SpaceServerTaskRepository, ServerTaskWaiter,
  DeploymentProcessRepository, LifecycleRepository, ProjectGroupRepository, TenantRepository, TagSetRepository, RunbookRepository, PackageRepository, checkForCapability, userGetCurrent,
} = require("@octopusdeploy/api-client");

let claims = 0, failed = 0;
function check(claim, got, want) {
  claims++;
  const g = JSON.stringify(got), w = JSON.stringify(want);
  if (g !== w) {
    failed++;
    console.log(`FAILED: ${claim}: got ${g}, want ${w}`);
  }
}
async function refused(claim, status, promise, part) {
  claims++;
  try {
    await promise;
    failed++;
    console.log(`FAILED: ${claim}: was accepted`);
  } catch (e) {
    if (e.StatusCode !== status || (part && !String(e.message).includes(part))) {
      failed++;
      console.log(`FAILED: ${claim}: ${e.StatusCode} ${e.message}`);
    }
  }
}

async function main(url, key) {
  const client = await Client.create({ userAgentApp: "sample-test", instanceURL: url, apiKey: key });
  const info = await client.getServerInformation();
  check("connect: the version is new enough for the executions API", Number(info.version.split(".")[0]) >= 2023, true);
  check("connect: an installation id", /^[0-9a-f-]{36}$/.test(info.installationId), true);

  const me = await userGetCurrent(client);
  check("who am I", me.Username, "admin");

  const spaces = await new SpaceRepository(client).list({ partialName: "Default" });
  check("spaces: one is named Default", spaces.Items.map((s) => [s.Id, s.Name, s.IsDefault]), [["Spaces-1", "Default", true]]);
  const S = "Default";

  const projects = new ProjectRepository(client, S);
  const shop = (await projects.list({ partialName: "web sh" })).Items[0];
  check("projects: found by part of the name", [shop.Id, shop.Name, shop.Slug], ["Projects-21", "Web Shop", "web-shop"]);
  check("projects: by id", (await projects.get("Projects-22")).Name, "Billing API");
  check("projects: only this space's", (await projects.list({ take: 100 })).Items.some((p) => p.SpaceId !== "Spaces-1"), false);
  check("projects: paged", (await projects.list({ take: 1, skip: 1 })).Items.length, 1);

  const environments = (await new EnvironmentRepository(client, S).list({ take: 100 })).Items;
  check("environments", environments.map((e) => e.Name), ["Development", "Staging", "Production"]);
  const v2 = await new EnvironmentV2Repository(client, S).list({ partialName: "prod" });
  check("environments v2", v2.Items.map((e) => e.Name), ["Production"]);
  check("lifecycles", (await new LifecycleRepository(client, S).list({})).Items.length, 2);
  check("project groups", (await new ProjectGroupRepository(client, S).list({})).Items.map((g) => g.Name), ["Shop", "Back office"]);
  check("tenants by tag", (await new TenantRepository(client, S).list({ tags: "Tier/Gold" })).Items.map((t) => t.Name), ["Acme Corp"]);
  check("tag sets", (await new TagSetRepository(client, S).list({})).Items.map((t) => t.Name), ["Tier"]);
  check("runbooks of a project", (await new RunbookRepository(client, S, shop).list({})).Items.map((r) => r.Name), ["Restart IIS"]);
  check("packages of the built-in feed", (await new PackageRepository(client, S).list({})).Items.map((p) => p.Version), ["1.0.0", "0.9.0"]);

  const steps = await new DeploymentProcessRepository(client, S).get(shop);
  check("process: a step with a package", steps.Steps[0].Actions[0].Packages[0].PackageId, "Acme.Web");

  const releases = new ReleaseRepository(client, S);
  const made = await releases.create({ spaceName: S, ProjectName: "Web Shop", ReleaseVersion: "2.4.0", PackageVersion: "2.4.0", ReleaseNotes: "by npm" });
  check("create release: version", made.ReleaseVersion, "2.4.0");
  const release = await releases.get(made.ReleaseId);
  check("create release: notes and package come back", [release.ReleaseNotes, release.SelectedPackages[0].Version, release.ChannelId], ["by npm", "2.4.0", "Channels-21"]);
  check("releases of the project, newest first", (await releases.listForProject("Projects-21", { take: 1 })).Items[0].Version, "2.4.0");
  await refused("the same version again", 400, releases.create({ spaceName: S, ProjectName: "Web Shop", ReleaseVersion: "2.4.0" }), "already exists");
  await refused("an unknown project", 404, releases.create({ spaceName: S, ProjectName: "No Such", ReleaseVersion: "1.0.0" }));

  const deployed = await new DeploymentRepository(client, S).create({ spaceName: S, ProjectName: "Web Shop", ReleaseVersion: "2.4.0", EnvironmentNames: ["Development", "Staging"] });
  check("deploy: one task for each environment", deployed.DeploymentServerTasks.length, 2);
  const waiter = new ServerTaskWaiter(client, S);
  const seen = new Set();
  const tasks = await waiter.waitForServerTasksToComplete(deployed.DeploymentServerTasks.map((t) => t.ServerTaskId), 100, 20000, (t) => (Array.isArray(t) ? t : [t]).forEach((x) => seen.add(x.State)));
  check("wait: both succeed", tasks.map((t) => [t.State, t.FinishedSuccessfully]), [["Success", true], ["Success", true]]);
  check("wait: was not done from the start", seen.has("Queued") || seen.has("Executing"), true);
  const task = await new SpaceServerTaskRepository(client, S).getById(tasks[0].Id);
  check("the task names its deployment", task.Arguments.DeploymentId.startsWith("Deployments-"), true);
  const tenanted = await new DeploymentRepository(client, S).createTenanted({ spaceName: S, ProjectName: "Billing API", ReleaseVersion: "3.0.1", EnvironmentName: "Production", Tenants: ["Acme Corp"], TenantTags: ["Tier/Silver"] });
  check("deploy for tenants: one named, one by tag", tenanted.DeploymentServerTasks.length, 2);

  const events = await client.request("~/api/{spaceId}/events{?take,eventCategories,projects}", { spaceName: S, take: 2, eventCategories: ["DeploymentSucceeded", "Created"], projects: ["Projects-21"] });
  check("events: arrays come comma-joined, newest first", events.Items.map((e) => e.Category), ["DeploymentSucceeded", "DeploymentSucceeded"]);
  const created = await client.request("~/api/{spaceId}/events{?take,eventCategories,documentTypes}", { spaceName: S, take: 1, eventCategories: ["Created"], documentTypes: ["Releases"] });
  check("events: the release's creation, by whom and with what", [created.Items[0].RelatedDocumentIds[0], created.Items[0].Username, created.Items[0].UserAgent.includes("sample-test")], [made.ReleaseId, "admin", true]);
  check("capabilities", await checkForCapability(client, "Runbooks").then((x) => x !== undefined, () => false), true);

  const anonymous = await Client.create({ userAgentApp: "sample-test", instanceURL: url, apiKey: "" });
  await refused("an empty key header is no key", 401, anonymous.get("~/api/users/me"));
  const none = await Client.create({ userAgentApp: "sample-test", instanceURL: url, apiKey: key + "-NONE" });
  await refused("a key without the permission", 403, none.get("~/api/Spaces-1/projects"));
}

main(process.argv[2], process.argv[3])
  .catch((e) => { failed++; claims++; console.log("FAILED: stopped by", e); })
  .finally(() => { console.log(`${claims} claims, ${failed} failed`); process.exit(failed ? 1 : 0); });
