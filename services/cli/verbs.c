// SPDX-License-Identifier: Apache-2.0
/* Every verb, as data: which route it calls and what of the answer is shown. */
#include <string.h>

#include "services/cli/fleet.h"

#define DEVICE_COLUMNS                                                                             \
	"name,vendor,model,type,address,site,state=STATE,last_state=LAST "                         \
	"JOB,last_success_at=LAST "                                                                \
	"SUCCESS"
#define DEVICE_WIDE                                                                                \
	"id,serial,family,firmware,display_language=LANGUAGE,pool,proven_at=PROVEN,"               \
	"state_cause=CAUSE,alarms,version"
#define DISCOVERED_COLUMNS                                                                         \
	"address,state=STATE,vendor,model,serial,name,printer=PRINTER,found_by=FOUND "             \
	"BY,device_name=DEVICE,last_seen=SEEN"
#define DISCOVERED_WIDE                                                                            \
	"id,family,mac,device_uuid,location,description,services,device_address,pool,seen=TIMES"
#define GROUP_COLUMNS "name,kind,devices=DEVICES,groups=GROUPS,filter"
#define TASK_COLUMNS                                                                               \
	"name,kind,active,schedule.form=SCHEDULE,schedule.n=N,next_at=NEXT,last_state=LAST RUN"
#define FIRING_COLUMNS "due_at=FIRES,local=AS ASKED FOR,offset=SECONDS EAST,fit"
#define SCHEDULE_FLAGS                                                                             \
	"--every 15m|6h|2d|2w|1mo --on mon,fri|1,15,last|1-tue,last-fri --date YYYY-MM-DD "        \
	"--at HH:MM --zone Z|target --until DAY --times N --jitter 10m"                            \
	" --catch-up once|skip --start-deadline 6h"
#define WINDOW_FLAGS                                                                               \
	"--open 22:00-06:00|mon-fri=22:00-06:00 --closed DAY --open-on DAY=08:00-12:00 --zone Z "  \
	"--min-left 10m --hard-end --site S --group G --device D --task T"
#define RUN_COLUMNS                                                                                \
	"id,task_name=TASK,state=STATE,opened_at=OPENED,ended_at=ENDED,counts.total=TARGETS,"      \
	"counts.succeeded=OK,counts.unchanged=SAME,counts.skipped=SKIPPED,counts.failed=FAILED,"   \
	"versions,bytes"
#define TARGET_COLUMNS                                                                             \
	"device_name=DEVICE,type,state=STATE,cause,attempt,deferrals=DEFERRED,entries,bytes,"      \
	"generation=GEN,detail"
#define TARGET_WIDE                                                                                \
	"job,address,not_before=NOT BEFORE,wait_ms=WAIT,lock_ms=LOCK,device_ms=DEVICE "            \
	"MS,store_ms=STORE MS,"                                                                    \
	"firmware,language,worker,trace,via"
#define SUBSCRIPTION_FLAGS                                                                           \
	"--name N --kinds run.finished,job.failed,device.*,alarm.*,book.changed,… --states S,… " \
	"--tasks T,… --webhook HOOK | --mail A,… --language en|fr|ja "                           \
	"--digest at_once|hourly|daily --urgent true --changes N"
#define FOUND_COLUMNS "device_name=DEVICE,list,number=NO,name,dest=DESTINATION,since,until"
#define FOUND_WIDE "site,list_name,since_generation=GEN,since_run=RUN,until_run,device,key"
#define LOCK_COLUMNS                                                                               \
	"device_name=DEVICE,kind,op,direction,state=STATE,holder=WHO,since,remaining_ms=LEFT,"     \
	"request"
#define VERSION_COLUMNS                                                                            \
	"id,device,kind,generation=GEN,state=STATE,head,entries,bytes_plain=BYTES,"                \
	"bytes_stored=STORED,committed_at=COMMITTED,last_check_at=CHECKED,proven_at=PROVEN"

#define FILE_COLUMNS                                                                               \
	"id,device_name=NAME,state=STATE,format=FORMAT,family,charset,entries,bytes_plain=BYTES,"  \
	"committed_at=ADDED,held_until=GOES"

#define RETENTION_COLUMNS                                                                          \
	"kind=KIND,last=LAST,hourly=HOURLY,daily=DAILY,weekly=WEEKLY,monthly=MONTHLY,"             \
	"yearly=YEARLY,within_days=WITHIN,keep_min=MINIMUM,held_days=HELD,time_zone=ZONE"
#define RETENTION_WIDE "changed_by=BY,changed_at=CHANGED"

#define DRILL_COLUMNS "device,kind,generation=GEN,outcome=OUTCOME,at=AT,detail"
#define CANDIDATE_COLUMNS "path,label,disks,size,free,removable,verdict=VERDICT,why"
#define COPY_COLUMNS                                                                               \
	"name=VAULT,kind,role,state=STATE,verified_at=VERIFIED,scrubbed_at=READ AGAIN,removable"

const struct verb verb_table[] = {
	{"device", "list", "GET", "/devices", "", DEVICE_COLUMNS, DEVICE_WIDE, "",
		"devices; --filter \"site = 'Lyon' and type = 'I'\"", NULL},
	{"device", "get", "GET", "/devices/{ref}", "DEVICE", "", NULL, "", "one device", NULL},
	{"device", "add", "POST", "/devices", "", "", NULL, "", "enrol a device", NULL},
	{"device", "import", NULL, NULL, "FILE", "", NULL, "",
		"enrol devices, sites, groups and credentials of a JSON file", run_device_import},
	{"device", "set", "PATCH", "/devices/{ref}", "DEVICE", "", NULL, "",
		"change the members given", NULL},
	{"device", "suspend", "POST", "/devices/{ref}:suspend", "DEVICE", "", NULL, "",
		"no job touches it until resumed", NULL},
	{"device", "resume", "POST", "/devices/{ref}:resume", "DEVICE", "", NULL, "",
		"end a suspension or a hold after a refused password", NULL},
	{"device", "repin", "POST", "/devices/{ref}:repin", "DEVICE",
		"name,state,tls_pin,repin,repin_by=BY", "id", "--tls-pin KEY",
		"propose another key to know it by; a second person approves it", NULL},
	{"device", "approve", "POST", "/devices/{ref}:approve", "DEVICE",
		"name,state,state_cause=CAUSE,tls_pin", "id", "--tls-pin KEY",
		"as a second person: the key that was proposed counts, the printer is used again",
		NULL},
	{"device", "retire", "DELETE", "/devices/{ref}", "DEVICE", "", NULL, "",
		"gone; its versions stay", NULL},
	{"discover", "", NULL, NULL, "[RANGE|NAME…]", "", NULL,
		"--dns-sd true --service TYPE --exclude RANGE --cred NAME --pool P --site S "
		"--rate N --snmp-port N --no-wait",
		"look for printers now: 10.1.0.0/24, 10.1.2.10-90, names; --dns-sd true: who "
		"announces itself; without a word as the built-in task says",
		run_discover},
	{"candidate", "list", "GET", "/candidates", "", DISCOVERED_COLUMNS, DISCOVERED_WIDE, "",
		"what was found; --filter \"state = new and printer = true\"", NULL},
	{"candidate", "show", "GET", "/candidates/{ref}", "CANDIDATE", "", NULL, "",
		"one of them, by id or address", NULL},
	{"candidate", "enrol", NULL, NULL, "CANDIDATE…", "", NULL,
		"--filter F --name N --family F --site S --clear_text true …",
		"make devices of candidates; what is said counts more than what was found",
		run_candidate_enrol},
	{"candidate", "ignore", "POST", "/candidates/{ref}:ignore", "CANDIDATE", "", NULL,
		"--reason TEXT", "it is not shown as new again", NULL},
	{"group", "list", "GET", "/groups", "", GROUP_COLUMNS, "id,version", "", "groups", NULL},
	{"group", "get", "GET", "/groups/{ref}", "GROUP", "", NULL, "", "one group", NULL},
	{"group", "create", "POST", "/groups", "", "", NULL, "",
		"--name N --kind static, or --kind dynamic --filter F", NULL},
	{"group", "set", "PATCH", "/groups/{ref}", "GROUP", "", NULL, "",
		"rename, or change the filter", NULL},
	{"group", "members", "GET", "/groups/{ref}/members", "GROUP", "kind,name,id", NULL, "",
		"direct members", NULL},
	{"group", "add", "POST", "/groups/{ref}/members", "GROUP", "", NULL, "",
		"--add-devices A,B --add-groups G --remove-devices …", NULL},
	{"group", "preview", "POST", "/groups/{ref}:preview", "GROUP", "", NULL, "",
		"who would be in a run now", NULL},
	{"group", "delete", "DELETE", "/groups/{ref}", "GROUP", "", NULL, "",
		"remove a group that no task uses", NULL},
	{"site", "list", "GET", "/sites", "", "name,region,time_zone", NULL, "", "sites", NULL},
	{"site", "set", "PUT", "/sites/{name}", "SITE", "name,region,time_zone", NULL, "",
		"create or change a site", NULL},
	{"site", "delete", "DELETE", "/sites/{name}", "SITE", "", NULL, "",
		"remove a site that no device uses", NULL},
	{"cred", "list", "GET", "/credentials", "",
		"name,kind,device,group,site,range,set,factory_default=DEFAULT,changed_at=CHANGED",
		"id", "", "credentials, never their secrets", NULL},
	{"cred", "set", NULL, NULL, "NAME", "", NULL,
		"--kind K --site S --user U --password-file F --community-write-file F",
		"create a credential; the secret comes from a file or a prompt", run_cred_set},
	{"cred", "delete", "DELETE", "/credentials/{ref}", "NAME", "", NULL, "",
		"remove a credential", NULL},
	{"task", "list", "GET", "/tasks", "", TASK_COLUMNS, "id,owner,version", "", "tasks", NULL},
	{"task", "get", "GET", "/tasks/{ref}", "TASK", "", NULL, "", "one task", NULL},
	{"task", "create", NULL, NULL, "NAME", "", NULL,
		"--kind ab.backup --group G --device D --all --filter F " SCHEDULE_FLAGS
		" --list all --accept identity --errors-max N --password-file F"
		" | --kind batch --step TASK --step TASK --barrier --continue-on-error",
		"create a task", run_task_create},
	{"task", "set", "PATCH", "/tasks/{ref}", "TASK", "", NULL, "", "change the members given",
		NULL},
	{"task", "run", NULL, NULL, "TASK", "", NULL, "--no-wait --override-windows",
		"run it now and watch", run_task_run},
	{"task", "activate", "POST", "/tasks/{ref}:activate", "TASK", "", NULL, "", "", NULL},
	{"task", "deactivate", "POST", "/tasks/{ref}:deactivate", "TASK", "", NULL, "", "", NULL},
	{"task", "next", "GET", "/tasks/{ref}/next", "TASK", FIRING_COLUMNS, NULL, "",
		"the next firings", NULL},
	{"task", "when", NULL, NULL, "", FIRING_COLUMNS, NULL, SCHEDULE_FLAGS,
		"when such a schedule would fire", run_task_when},
	{"task", "delete", "DELETE", "/tasks/{ref}", "TASK", "", NULL, "",
		"its runs stay in the history", NULL},
	{"window", "list", "GET", "/windows", "",
		"name,zone,min_left_ms=MIN LEFT,hard_end=CUTS,sites,groups",
		"id,version,devices,tasks", "", "when jobs may start", NULL},
	{"window", "get", "GET", "/windows/{ref}", "WINDOW", "", NULL, "", "one window", NULL},
	{"window", "create", NULL, NULL, "NAME", "", NULL, WINDOW_FLAGS,
		"jobs of what it binds start inside only", run_window_create},
	{"window", "set", NULL, NULL, "WINDOW", "", NULL, WINDOW_FLAGS, "change the members given",
		run_window_set},
	{"window", "delete", "DELETE", "/windows/{ref}", "WINDOW", "", NULL, "",
		"it binds nothing any more", NULL},
	{"window", "when", "GET", "/devices/{ref}/windows", "DEVICE", "from=OPENS,to=CLOSES", NULL,
		"--task T --after T --limit N", "when jobs may start on a device", NULL},
	{"run", "list", "GET", "/runs", "", RUN_COLUMNS, "kind,cause,rerun_of", "",
		"runs, newest first", NULL},
	{"run", "get", "GET", "/runs/{id}", "RUN", "", NULL, "", "one run", NULL},
	{"run", "watch", NULL, NULL, "RUN", "", NULL, "", "progress until it ends", run_run_watch},
	{"run", "targets", "GET", "/runs/{id}/targets", "RUN", TARGET_COLUMNS, TARGET_WIDE, "",
		"one row per device", NULL},
	{"run", "outcomes", "GET", "/runs/{id}/outcomes", "RUN",
		"state=STATE,n=TARGETS,cause,reason,example,detail", "code", "",
		"targets that ended alike", NULL},
	{"run", "changes", "GET", "/runs/{id}/changes", "RUN", "since=SINCE,came=CAME,name=DEVICE",
		"device", "",
		"who came and who went since the task was saved, and since its last run", NULL},
	{"run", "cancel", "POST", "/runs/{id}:cancel", "RUN", "", NULL, "", "what has not ended",
		NULL},
	{"run", "rerun", NULL, NULL, "RUN", "", NULL,
		"--state S (repeatable, required) --cause C --device ID --as-it-was --no-wait",
		"run chosen targets again", run_run_rerun},
	{"job", "get", "GET", "/jobs/{id}", "JOB", "", NULL, "", "one target", NULL},
	{"job", "cancel", "POST", "/jobs/{id}:cancel", "JOB", "", NULL, "", "one target", NULL},
	{"job", "transitions", "GET", "/jobs/{id}/transitions", "JOB",
		"at,from,to,attempt,token,cause,detail", "worker", "", "every state change", NULL},
	{"worker", "list", "GET", "/workers", "", "id,pool,seen_at=SEEN,jobs", NULL, "",
		"workers seen in the last minute", NULL},
	{"backup", "now", NULL, NULL, "", "", NULL,
		"--group G --device D --all --filter F --password-file F",
		"back up address books now and watch", run_backup_now},
	{"version", "list", NULL, NULL, "[DEVICE]", VERSION_COLUMNS, "run,serial,flags,format",
		"--kind address_book --run RUN --heads", "backup versions, newest first",
		run_version_list},
	{"version", "show", NULL, NULL, "VERSION", "", NULL, "--list SLOT",
		"one version with its items and its book; VERSION: an id, DEVICE or DEVICE@GEN",
		run_version_show},
	{"version", "diff", NULL, NULL, "VERSION VERSION", "", NULL, "",
		"what the second book has other than the first; exit 2 with differences",
		run_version_diff},
	{"version", "export", NULL, NULL, "VERSION", "", NULL,
		"--item NAME | --format F --accept all | --format view | --format bundle; "
		"--losses csv|json; -o FILE",
		"an item's bytes as the device gave them; the book in another format, or what that "
		"one loses; a view for spreadsheets (FILE.view.csv); all of it as a ZIP archive",
		run_version_export},
	{"version", "verify", "POST", "/versions/{id}:verify", "VERSION", "", NULL, "",
		"read every object back and open it", run_version_verify},
	{"version", "protect", "POST", "/versions/{id}:protect", "VERSION", "", NULL, "--until T",
		"no rule of retention condemns it", NULL},
	{"version", "unprotect", "POST", "/versions/{id}:unprotect", "VERSION", "", NULL, "",
		"the rules count again", NULL},
	{"version", "undo", "POST", "/versions/{id}:undo", "VERSION", "", NULL, "",
		"bring a condemned version back", NULL},
	{"version", "mail", "POST", "/versions/{id}:mail", "VERSION", "", NULL,
		"--to ADDRESS --recipient-key KEY | --password-file F --who TEXT --why TEXT "
		"--description TEXT --language en|fr|ja",
		"send a version, sealed to a key or to a password agreed apart, to somebody who "
		"is allowed to get it",
		run_version_mail},
	{"version", "copies", "GET", "/versions/{id}/copies", "VERSION", COPY_COLUMNS, "vault", "",
		"where a version is, when it was last read", NULL},
	{"mail", "list", "GET", "/mails", "",
		"id,to,state,cause,attempts,generation,asked_at=ASKED,ended_at=ENDED",
		"version,device,who,why,asked_by,detail,bytes", "", "versions sent by mail", NULL},
	{"plan", "restore", NULL, NULL, "[DEVICE@VERSION]", "", NULL, "--to … --mode M",
		"what a restore of an address book would change; writes nothing", run_plan_restore},
	{"plan", "import", NULL, NULL, "FILE", "", NULL, "--to … --map SLOT=LIST --mode M",
		"what an import of a file would change; writes nothing", run_plan_import},
	{"plan", "settings", NULL, NULL, "[DEVICE@VERSION|FILE]", "", NULL, "--to …",
		"what a restore of settings would change; writes nothing", run_plan_settings},
	{"plan", "distribute", NULL, NULL, "[SET|TASK]", "", NULL, "--book B --map … --to …",
		"what a distribution would change; writes nothing", run_plan_distribute},
	{"plan", "show", NULL, NULL, "RUN", "", NULL, "--device D",
		"a plan once more, or all of it for one printer", run_plan_show},
	{"apply", "", NULL, NULL, "RUN | -f FILE", "", NULL,
		"--accept WORDS --confirm-within T --yes; -f: --dry-run --prune --secrets DIR",
		"write a plan as it was shown, and watch; -f: make the fleet what a file says",
		run_apply},
	{"export", "", NULL, NULL, "", "", NULL, "--format yaml|json|csv -o FILE",
		"the fleet as a file for apply -f, without secrets", run_fleet_export},
	{"fleet", "export", NULL, NULL, "", "", NULL, "--format yaml|json|csv -o FILE", "the same",
		run_fleet_export},
	{"restore", "", NULL, NULL, "[DEVICE@VERSION]", "", NULL, "--to … --mode M --yes",
		"plan and apply in one step", run_restore},
	{"confirm", "", NULL, NULL, "RUN", "", NULL, "", "keep what a run wrote", run_confirm},
	{"revert", "", NULL, NULL, "RUN", "", NULL, "", "put back what a run overwrote",
		run_revert},
	{"deliver", "", NULL, NULL, "FILE", "", NULL, "--to … --file-name N",
		"send a file to printers as it is", run_deliver},
	{"destinations", "import", NULL, NULL, "FILE|VERSION", "", NULL, "--list SLOT --join",
		"take entries into the destination list; --dry-run shows those of a VERSION first",
		run_destinations_import},
	{"destinations", "list", NULL, NULL, "", "", NULL, "", "the destination list",
		run_destinations_list},
	{"dist-book", "create", NULL, NULL, "NAME", "", NULL,
		"--list NAME=KEYS|all --one-touch NAME=KEYS",
		"a book for distribution, from the destination list", run_dist_book_create},
	{"dist-book", "save", NULL, NULL, "BOOK", "", NULL, "--list … --one-touch …",
		"its next generation, as a whole", run_dist_book_save},
	{"dist-book", "list", "GET", "/distribution-books", "",
		"name,entries,generation=GEN,saved_at=SAVED,id", "version", "",
		"books for distribution", NULL},
	{"dist-book", "show", NULL, NULL, "BOOK", "", NULL, "", "one, with its lists",
		run_dist_book_show},
	{"dist-set", "create", NULL, NULL, "NAME", "", NULL, "--book B --map SLOT=LIST --to …",
		"printers that get the same lists of the same book", run_dist_set_create},
	{"dist-set", "list", "GET", "/distribution-sets", "",
		"name,book,n_devices=PRINTERS,n_groups=GROUPS,created_at=CREATED", "id,version", "",
		"distribution sets", NULL},
	{"dist-set", "get", "GET", "/distribution-sets/{ref}", "SET", "", NULL, "", "one set",
		NULL},
	{"dist-set", "set", "PATCH", "/distribution-sets/{ref}", "SET", "", NULL, "",
		"change the members given", NULL},
	{"dist-set", "delete", "DELETE", "/distribution-sets/{ref}", "SET", "", NULL, "",
		"remove a set", NULL},
	{"file", "add", NULL, NULL, "FILE", "", NULL, "--name N --as opaque",
		"upload a file, read to its end before it is kept; the source of imports",
		run_file_add},
	{"file", "list", "GET", "/files", "", FILE_COLUMNS, "device=FILE", "", "uploaded files",
		NULL},
	{"file", "show", NULL, NULL, "FILE", "", NULL, "--list SLOT",
		"one file with its lists and entries", run_version_show},
	{"file", "delete", "DELETE", "/files/{id}", "FILE", "", NULL, "",
		"take a file away that no task and no open run names; can be brought back for a "
		"while",
		NULL},
	{"search", "", "GET", "/search", "WORD…", FOUND_COLUMNS, FOUND_WIDE,
		"--kind fax --device D --site S --at DAY --from T --to T --limit N",
		"where entries stand on all devices, since when: names, numbers, addresses",
		run_search},
	{"retention", "show", "GET", "/retention", "", RETENTION_COLUMNS, RETENTION_WIDE, "",
		"which versions stay, by kind; no rule = all", NULL},
	{"retention", "set", "PUT", "/retention", "", "", NULL,
		"--kind K --last N --hourly N --daily N --weekly N --monthly N --yearly N "
		"--within-days N --keep-min N --held-days N --time-zone Z",
		"the policy of a kind, or of all that have none, as a whole", NULL},
	{"retention", "plan", NULL, NULL, "[DEVICE]", "", NULL, "--going",
		"what would go now and what keeps the rest, with a calendar; changes nothing",
		run_retention_plan},
	{"retention", "prune", NULL, NULL, "", "", NULL, "--plan HASH --clock-ok",
		"condemn what a plan says if it still says the same; without --plan it is shown",
		run_retention_prune},
	{"quota", "show", "GET", "/quota", "", "", NULL, "",
		"what may be stored and taken out, and what is", NULL},
	{"quota", "set", "PUT", "/quota", "", "", NULL,
		"--bytes N --versions N --devices N --mails N --exports N",
		"limits as a whole; absent = none, of mails 20 in a day; exports: in an hour",
		NULL},
	{"drill", "list", "GET", "/drills", "", DRILL_COLUMNS, "version,target,run", "--device ID",
		"versions restored to simulated printers, and what came back", NULL},
	{"vault", "add", "POST", "/vaults", "", "", NULL,
		"--name N --place PATH|sftp://HOST:PORT/PATH|https://HOST/BUCKET/PREFIX|"
		"smtps://HOST:PORT --removable --account U --pin SHA256:… --region R --clear-text "
		"--sender ADDRESS --recipients A@B,*@C "
		"--key-file F --passphrase-file F | --password-file F --accept-same-disk REASON",
		"a directory or a server that gets copies of all versions", run_vault_add},
	{"vault", "candidates", "GET", "/vaults/candidates", "", CANDIDATE_COLUMNS, "vault", "",
		"media that are there now, and whether a vault may be on them", NULL},
	{"vault", "retire", "DELETE", "/vaults/{name}", "NAME", "", NULL, "",
		"nothing more is copied to it; what is there stays", NULL},
	{"vault", "list", "GET", "/vaults", "",
		"name,kind,role,state,cause,versions,waiting,bad,copied_at=LAST "
		"COPY,bytes_free=FREE,"
		"path",
		"id,placement,durability,account,pin,warning", "", "vaults and their state", NULL},
	{"erase", "list", "GET", "/erase-orders", "",
		"id,device,version,asked_by=ASKED,approved_by=APPROVED,executed_at=DONE,versions,"
		"keys_left=LEFT",
		"reason,asked_at,approved_at,expired", "", "orders to destroy keys", NULL},
	{"erase", "order", "POST", "/erase-orders", "", "id,device,version,asked_by,reason", "id",
		"--device ID --version ID --reason TEXT",
		"ask that a version, or all of a device, be unreadable for ever", NULL},
	{"erase", "approve", "POST", "/erase-orders/{id}:approve", "ORDER",
		"id,versions,keys_left,executed_at", "id", "",
		"as a second person: it is done at once", NULL},
	{"lock", "list", "GET", "/locks", "", LOCK_COLUMNS,
		"device=ID,token,session,job,ticket,items", "", "locks held, waiting and observed",
		NULL},
	{"lock", "get", "GET", "/locks/{request}", "REQUEST", LOCK_COLUMNS,
		"device=ID,token,session,job,ticket,items", "", "all rows of one request", NULL},
	{"lock", "acquire", NULL, NULL, "DEVICE… [-- COMMAND]", "", NULL,
		"--op OP --for 10m --wait 5m --lost term|kill|warn --direction D --items I",
		"declare an operation of another system and hold it while COMMAND runs",
		run_lock_acquire},
	{"lock", "explain", NULL, NULL, "DEVICE…", "", NULL,
		"--op import|export|OP --items I --profile P",
		"may it start now, and if not, who or what is in the way; exit 0 yes, 1 no",
		run_lock_explain},
	{"lock", "renew", "POST", "/locks/{request}:renew", "REQUEST", "", NULL, "",
		"keep a lock, with --token", NULL},
	{"lock", "release", "POST", "/locks/{request}:release", "REQUEST", "", NULL, "",
		"give a lock back, with --token; --unsure true after an interruption", NULL},
	{"lock", "cancel", "POST", "/locks/{request}:cancel", "REQUEST", "", NULL, "",
		"leave the queue", NULL},
	{"lock", "watch", NULL, NULL, "[DEVICE…]", "", NULL, "", "a line for each change of a lock",
		run_lock_watch},
	{"lock", "end", "POST", "/locks/{request}:end", "REQUEST", "", NULL, "",
		"end a lock in attention, with --reason", NULL},
	{"sync", "groups", "GET", "/sync-groups", "", "name,members,server,note", "id,version", "",
		"sync groups", NULL},
	{"sync", "show", "GET", "/sync-groups/{ref}/members", "GROUP",
		"device_name=DEVICE,role,state=STATE,destination,seen_at=SEEN,device=ID", NULL, "",
		"members and their states", NULL},
	{"sync", "create", "POST", "/sync-groups", "", "", NULL, "", "--name N", NULL},
	{"sync", "set", "PUT", "/sync-groups/{ref}/members/{device}", "GROUP DEVICE-ID",
		"device_name=DEVICE,role,state=STATE,destination", NULL, "",
		"add or change a member: --role client --state running", NULL},
	{"sync", "remove", "DELETE", "/sync-groups/{ref}/members/{device}", "GROUP DEVICE-ID",
		"device_name=DEVICE,role,state=STATE", NULL, "", "take a member out", NULL},
	{"sync", "delete", "DELETE", "/sync-groups/{ref}", "GROUP", "", NULL, "",
		"remove a group without members", NULL},
	{"user", "list", "GET", "/users", "", "name,role,scope,active,created_at=CREATED",
		"id,version", "", "people, and where their roles count", run_scope_list},
	{"user", "create", NULL, NULL, "NAME", "", NULL,
		"--role operator --assign ROLE@WHERE --password-file F",
		"a person; WHERE: site:NAME, group:NAME, everywhere", run_user_create},
	{"user", "set", "PATCH", "/users/{ref}", "NAME", "", NULL, "--assign ROLE@WHERE",
		"--role, --active, or all assignments anew: --assign, repeatable", run_assigned},
	{"token", "list", "GET", "/tokens", "",
		"name,role,scope,user=MADE BY,created_at=CREATED,expires_at=EXPIRES,used_at=USED",
		"id", "", "API tokens, and where their roles count", run_scope_list},
	{"token", "create", "POST", "/tokens", "", "", NULL, "--assign ROLE@WHERE",
		"--name N --role operator; shown once. WHERE: site:NAME, group:NAME, everywhere",
		run_assigned},
	{"token", "set", "PATCH", "/tokens/{id}", "TOKEN-ID", "", NULL, "--assign ROLE@WHERE",
		"--role, or all assignments anew: --assign, repeatable", run_assigned},
	{"token", "delete", "DELETE", "/tokens/{id}", "TOKEN-ID", "", NULL, "", "revoke", NULL},
	{"notify", "list", "GET", "/subscriptions", "",
		"name,kinds,states,webhook,mail,digest,active,waiting,dead",
		"id,tasks,changes,language,urgent,made_by=BY,version", "",
		"who is told of what, and how", NULL},
	{"notify", "create", "POST", "/subscriptions", "", "", NULL, SUBSCRIPTION_FLAGS,
		"tell a receiver, or people by mail", NULL},
	{"notify", "set", "PATCH", "/subscriptions/{ref}", "NAME", "", NULL, SUBSCRIPTION_FLAGS,
		"change it; --active false: tell nobody for now", NULL},
	{"notify", "test", "POST", "/subscriptions/{ref}:test", "NAME", "", NULL, "",
		"send a notice of kind test this way", NULL},
	{"notify", "delete", "DELETE", "/subscriptions/{ref}", "NAME", "", NULL, "",
		"tell nobody any more", NULL},
	{"hook", "list", "GET", "/webhooks", "",
		"name,url,active,last_status=LAST,last_at=AT,waiting,dead",
		"id,proxy,key_id=KEY,old_key_until=OLD KEY UNTIL,token_header,version", "",
		"receivers of CloudEvents", NULL},
	{"hook", "create", "POST", "/webhooks", "", "", NULL,
		"--name N --url U --token-header H --secret-file F --proxy http://HOST:PORT",
		"a receiver; its key is shown once", run_hook_save},
	{"hook", "set", "PATCH", "/webhooks/{ref}", "HOOK", "", NULL,
		"--url U --active false --token-header H --secret-file F --proxy http://HOST:PORT",
		"change it; an empty --token-header takes the token away, an empty --proxy the "
		"proxy",
		run_hook_save},
	{"hook", "rotate", "POST", "/webhooks/{ref}:rotate", "HOOK", "", NULL, "--keep-ms N",
		"a new key, shown once; the present one signs, too, for a day", NULL},
	{"hook", "delete", "DELETE", "/webhooks/{ref}", "HOOK", "", NULL, "",
		"take it away, with its subscriptions and what waits", NULL},
	{"dead-letter", "list", "GET", "/dead-letters", "",
		"id,subscription,webhook,kind,subject,attempts,status=HTTP,cause,tried_at=TRIED",
		"at,detail", "--webhook HOOK --subscription NAME",
		"what could not be delivered, newest first", NULL},
	{"dead-letter", "replay", "POST", "/dead-letters:replay", "", "", NULL,
		"--ids ID,… --webhook HOOK --subscription NAME", "send again, with the same id",
		NULL},
	{"audit", "list", "GET", "/audit", "", "seq,at,actor,origin,verb,object,outcome",
		"trace,digest,hash", "", "who did what", NULL},
	{"audit", "verify", NULL, NULL, "", "fault,seq,to,text", NULL, "--head SEQ:HASH",
		"walk the whole trail again: changed, removed, put in, moved or cut off entries",
		run_audit_verify},
	{"book", "check", NULL, NULL, "FILE…", "", NULL, "--profile P --from FORMAT",
		"every fault of address book files; offline", run_book_check},
	{"book", "show", NULL, NULL, "FILE…", "", NULL, "--list L --entry E --reveal-secrets",
		"lists and entries of an address book file; offline", run_book_show},
	{"book", "convert", NULL, NULL, "FILE", "", NULL,
		"--to FORMAT|PROFILE -o OUT --base FILE --accept WORDS --transliterate --ledger F",
		"another maker's format, and what is lost; offline", run_book_convert},
	{"book", "diff", NULL, NULL, "LEFT RIGHT", "", NULL, "--summary",
		"what differs in meaning; offline", run_book_diff},
	{"book", "merge", NULL, NULL, "BASE LEFT RIGHT", "", NULL, "-o OUT --prefer SIDE",
		"both sides' changes since a common base; offline", run_book_merge},
	{"book", "search", NULL, NULL, "TEXT FILE…", "", NULL, "",
		"where a name, address, number or host stands; offline", run_book_search},
	{"status", "", NULL, NULL, "", "name,state=STATE,detail", NULL, "",
		"state of the whole system; exit 2 with warnings", run_status},
	{"whoami", "", "GET", "/whoami", "", "", NULL, "", "who am I", NULL},
	{"setup", "", NULL, NULL, "", "", NULL,
		"--setup-token-file F --name N --password-file F --token-out F",
		"make the first administrator and an API token", run_setup},
	{"explain", "", NULL, NULL, "CODE", "", NULL, "", "what a cause code means; offline",
		run_explain},
	{"completion", "", NULL, NULL, "bash|zsh", "", NULL, "", "shell completion, to be sourced",
		run_completion},
};
const size_t verb_count = array_len(verb_table);

const struct verb *verb_find(const char *noun, const char *name)
{
	for (size_t i = 0; i < verb_count; i++)
		if (strcmp(verb_table[i].noun, noun) == 0 && strcmp(verb_table[i].name, name) == 0)
			return &verb_table[i];
	return NULL;
}

const struct route *verb_route(const struct verb *v)
{
	for (size_t i = 0; v->path != NULL && i < routes_n; i++)
		if (strcmp(routes[i].method, v->method) == 0 &&
			strcmp(routes[i].path, v->path) == 0)
			return &routes[i];
	return NULL;
}
