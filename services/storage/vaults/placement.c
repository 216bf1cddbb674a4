// SPDX-License-Identifier: Apache-2.0
/* The decision where a vault may be. */
#include "services/storage/vaults/placement.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "gen/errors.h"
#include "services/storage/vaults/disks.h"

#define REASON_MIN 10

/* Text that is cut when it does not fit: then nothing is found there. */
static void printf_like(3, 4) put(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(out, size, fmt, ap);
	va_end(ap);
}

static const char *const words[] = {"separate", "same_disk", "unknown", "refused"};

const char *placement_word(enum placement_verdict v)
{
	return words[v];
}

/* Calls fn for each word of a comma list. */
static void each_word(const char *list, void (*fn)(void *arg, const char *word), void *arg)
{
	char *copy = mem_strdup(list), *rest = copy, *word;
	while ((word = strsep(&rest, ", ")) != NULL)
		if (word[0] != 0)
			fn(arg, word);
	free(copy);
}

struct gather {
	const struct disks_tree *tree;
	struct disks *disks;
};

static void add_path(void *arg, const char *path)
{
	struct gather *g = arg;
	if (!disks_of_path(g->tree, path, g->disks)) {
		g->disks->unknown = true;
		put(g->disks->what, sizeof(g->disks->what), "%s", path);
	}
}

/* ---- system ---- */

static void add_swaps(const struct disks_tree *t, struct disks *d)
{
	char path[PATH_MAX * 2], line[PATH_MAX];
	put(path, sizeof(path), "%s/proc/swaps", disks_root(t));
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, " \t\n")] = 0;
		if (strncmp(line, "/dev/", 5) == 0)
			(void)disks_of_device(t, line + 5, d);
		else if (line[0] == '/')
			(void)disks_of_path(t, line, d);
	}
	if (f != NULL)
		(void)fclose(f);
}

/* ST-61: in a container the engine's disk shows through the files it binds. */
static void system_disks(const struct disks_tree *t, const char *declared, struct disks *ret)
{
	static const char *const paths[] = {
		"/", "/boot", "/usr", "/var", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"};
	struct gather g = {t, ret};
	for (size_t i = 0; i < array_len(paths); i++)
		(void)disks_of_path(t, paths[i], ret);
	add_swaps(t, ret);
	each_word(declared, add_path, &g);
	/* layers and memory of the system itself are no disks, but then something else must be
	 * known */
	if (ret->n == 0) {
		ret->unknown = true;
		put(ret->what, sizeof(ret->what), "the disk of the system (setting system_disks)");
	}
}

/* ---- database ---- */

/* The value of a word in "host=x port=y", or "". */
static void conninfo_get(const char *conninfo, const char *word, char *out, size_t size)
{
	size_t n = strlen(word);
	out[0] = 0;
	for (const char *p = conninfo; (p = strstr(p, word)) != NULL; p += n)
		if ((p == conninfo || p[-1] == ' ') && p[n] == '=') {
			p += n + 1;
			put(out, size, "%.*s", (int)strcspn(p, " "), p);
			return;
		}
}

static bool is_here(const char *host)
{
	char name[256] = "";
	(void)gethostname(name, sizeof(name) - 1);
	return host[0] == 0 || host[0] == '/' || strcmp(host, "localhost") == 0 ||
	       strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, name) == 0;
}

/* The lock file beside the server's socket names the data directory, if we may read it. */
static bool data_directory(const struct disks_tree *t, const char *conninfo, char *out, size_t size)
{
	char host[256], port[16], path[PATH_MAX * 2];
	conninfo_get(conninfo, "host", host, sizeof(host));
	conninfo_get(conninfo, "port", port, sizeof(port));
	put(path, sizeof(path), "%s%s/.s.PGSQL.%s.lock", disks_root(t),
		host[0] == '/' ? host : "/var/run/postgresql", port[0] == 0 ? "5432" : port);
	FILE *f = fopen(path, "re");
	bool good = f != NULL && fgets(out, (int)size, f) != NULL &&
		    fgets(out, (int)size, f) != NULL && out[0] == '/';
	if (f != NULL)
		(void)fclose(f);
	out[good ? strcspn(out, "\n") : 0] = 0;
	return good;
}

static void declared_disk(const struct disks_tree *t, const char *declared, struct disks *ret)
{
	char link[PATH_MAX], name[DISK_NAME];
	struct gather g = {t, ret};
	if (declared[0] == '/') {
		add_path(&g, declared);
	} else if (strncmp(declared, "UUID=", 5) == 0) {
		put(link, sizeof(link), "/dev/disk/by-uuid/%.100s", declared + 5);
		char *real = disks_real_path(t, link);
		const char *base = real == NULL ? NULL : strrchr(real, '/');
		if (base == NULL || !disks_of_device(t, base + 1, ret)) {
			ret->unknown = true;
			put(ret->what, sizeof(ret->what), "%.100s", declared);
		}
		free(real);
	} else {
		put(name, sizeof(name), "server:%.50s", declared);
		put(ret->names[ret->n++], DISK_NAME, "%s", name);
	}
}

/* As far as we may look into the directory. */
static void add_table_spaces(const struct disks_tree *t, const char *data_dir, struct disks *ret)
{
	char path[PATH_MAX * 2];
	struct dirent *e;
	put(path, sizeof(path), "%s%s/pg_tblspc", disks_root(t), data_dir);
	DIR *d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL) {
		put(path, sizeof(path), "%s/pg_tblspc/%s", data_dir, e->d_name);
		if (e->d_name[0] != '.')
			(void)disks_of_path(t, path, ret);
	}
	if (d != NULL)
		closedir(d);
}

static void database_disks(const struct disks_tree *t, const struct placement_ask *ask,
	char *data_dir, size_t size, struct disks *ret)
{
	char host[256], sub[PATH_MAX * 2];
	conninfo_get(ask->database, "host", host, sizeof(host));
	data_dir[0] = 0;
	if (ask->database_disk[0] != 0) {
		declared_disk(t, ask->database_disk, ret);
		return;
	}
	if (!is_here(host) || !data_directory(t, ask->database, data_dir, size) ||
		!disks_of_path(t, data_dir, ret)) {
		ret->unknown = true;
		put(ret->what, sizeof(ret->what),
			"where PostgreSQL keeps its data (setting database_disk)");
		return;
	}
	put(sub, sizeof(sub), "%s/pg_wal", data_dir);
	(void)disks_of_path(t, sub, ret);
	add_table_spaces(t, data_dir, ret);
}

/* ---- decision ---- */

static bool inside(const struct disks_tree *t, const char *path, const char *folder)
{
	char *p = disks_real_path(t, path), *f = disks_real_path(t, folder);
	size_t n = f == NULL ? 0 : strlen(f);
	bool yes = p != NULL && f != NULL && strncmp(p, f, n) == 0 && (p[n] == '/' || p[n] == 0);
	free(p);
	free(f);
	return yes;
}

static void serial_of(const struct disks_tree *t, const char *disk, char *out, size_t size)
{
	static const char *const files[] = {"serial", "device/serial", "wwid", "device/wwid"};
	for (size_t i = 0; i < array_len(files); i++) {
		disks_property(t, disk, files[i], out, size);
		if (out[0] != 0)
			return;
	}
	put(out, size, "unknown");
}

/* Whose disks a vault must not be on. */
struct taken {
	struct disks system, database, primary;
	char data_dir[PATH_MAX];
};

static void say_same(const struct disks_tree *t, const struct placement_ask *ask,
	const char *const shared[static 3], struct placement *p)
{
	static const char *const owners[] = {"the system (/)", "the database", "the primary vault"};
	char serial[64], what[80] = "";
	const char *disk = NULL;
	for (size_t i = 0; i < array_len(owners); i++) {
		if (shared[i] == NULL)
			continue;
		size_t n = strlen(what);
		put(what + n, sizeof(what) - n, "%s%s", n == 0 ? "" : " and ", owners[i]);
		disk = disk == NULL ? shared[i] : disk;
	}
	serial_of(t, disk, serial, sizeof(serial));
	p->verdict = PLACEMENT_SAME_DISK;
	put(p->why, sizeof(p->why),
		"vault '%s' (%.120s) is on disk %s (serial %s), which also holds %s. If this "
		"disk fails, the printers' backups fail with it. Attach an external or network "
		"disk, or choose another vault",
		ask->vault_name, ask->vault, disk, serial, what);
}

static void say(struct placement *p, enum placement_verdict v, const struct placement_ask *ask,
	const char *what, const char *detail)
{
	p->verdict = v;
	put(p->why, sizeof(p->why), "vault '%s' (%.120s) %s%s", ask->vault_name, ask->vault, what,
		detail);
}

static const char *local_server(const struct disks *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (strncmp(d->names[i], "server:", 7) == 0 && is_here(d->names[i] + 7))
			return d->names[i];
	return NULL;
}

static void decide(const struct disks_tree *t, const struct placement_ask *ask,
	const struct disks *vault, const struct taken *taken, struct placement *p)
{
	const char *shared[3] = {disks_common(vault, &taken->system),
		disks_common(vault, &taken->database), disks_common(vault, &taken->primary)};
	if (shared[0] == NULL)
		shared[0] = local_server(vault);
	if (vault->is_volatile || vault->overlay)
		say(p, PLACEMENT_REFUSED, ask,
			vault->overlay ? "is in a container's own layer" : "is in memory",
			": it does not outlive this machine");
	else if (shared[0] != NULL || shared[1] != NULL || shared[2] != NULL)
		say_same(t, ask, shared, p);
	else if (vault->unknown || vault->n == 0)
		say(p, PLACEMENT_UNKNOWN, ask,
			"lies on a disk that could not be found out: ", vault->what);
	else if (taken->system.unknown)
		say(p, PLACEMENT_UNKNOWN, ask, "cannot be judged, unknown is ", taken->system.what);
	else if (taken->database.unknown)
		say(p, PLACEMENT_UNKNOWN, ask, "cannot be judged, unknown is ",
			taken->database.what);
	else
		p->verdict = PLACEMENT_SEPARATE;
}

/* What no reason excuses. */
static int never(const struct disks_tree *t, const struct placement_ask *ask, const char *data_dir,
	struct fault *reterr)
{
	if (ask->kek_file[0] != 0 && inside(t, ask->kek_file, ask->vault))
		return fault_why(reterr, CN_DESTINATION_REFUSED, "key_in_vault",
			"the key file %.100s lies inside the vault it protects", ask->kek_file);
	if (data_dir[0] != 0 && inside(t, ask->vault, data_dir))
		return fault_why(reterr, CN_DESTINATION_REFUSED, "refused",
			"vault '%s' lies below the database directory", ask->vault_name);
	return 0;
}

static int judge(const struct placement_ask *ask, struct placement *p, struct fault *reterr)
{
	size_t reason = strlen(ask->accept_reason);
	if (p->verdict == PLACEMENT_SEPARATE)
		return 0;
	if (reason >= REASON_MIN) {
		p->overridden = true;
		return 0;
	}
	return fault_why(reterr, CN_DESTINATION_REFUSED, placement_word(p->verdict), "%s%s", p->why,
		reason > 0 ? ". The reason given to accept it is too short" : "");
}

static void take_all(const struct disks_tree *t, const struct placement_ask *ask, struct taken *ret)
{
	system_disks(t, ask->system_disks, &ret->system);
	database_disks(t, ask, ret->data_dir, sizeof(ret->data_dir), &ret->database);
	if (ask->primary != NULL)
		(void)disks_of_path(t, ask->primary, &ret->primary);
}

int placement_check(const struct placement_ask *ask, struct placement *ret, struct fault *reterr)
{
	struct taken *taken = mem_alloc(sizeof(*taken));
	struct disks *vault = mem_alloc(sizeof(*vault));
	struct placement p = {.verdict = PLACEMENT_UNKNOWN};
	struct disks_tree *t = disks_tree_new(ask->root == NULL ? "" : ask->root);
	int rc = -1;
	if (t == NULL) {
		say(&p, PLACEMENT_UNKNOWN, ask, "cannot be judged: ", "no mount table");
		rc = judge(ask, &p, reterr);
		goto out;
	}
	if (!disks_of_path(t, ask->vault, vault)) {
		fault_why(reterr, CN_VAULT_NOT_MOUNTED, "vault_not_mounted",
			"%s: no such place for vault '%s'", ask->vault, ask->vault_name);
		goto out;
	}
	take_all(t, ask, taken);
	decide(t, ask, vault, taken, &p);
	rc = never(t, ask, taken->data_dir, reterr);
	if (rc == 0)
		rc = judge(ask, &p, reterr);
out:
	if (rc == 0)
		*ret = p;
	disks_tree_free(t);
	free(taken);
	free(vault);
	return rc;
}

/* ---- what people choose from (ST-82) ---- */

struct choosing {
	const struct disks_tree *tree;
	struct placement_ask ask;
	struct taken taken;
	struct placement_candidate *out;
	size_t n, max;
};

static void describe(
	const struct disks_tree *t, const struct disks *d, struct placement_candidate *c)
{
	char flag[16] = "", where[PATH_MAX * 2];
	for (size_t i = 0; i < d->n; i++) {
		size_t n = strlen(c->disks);
		put(c->disks + n, sizeof(c->disks) - n, "%s%s", n == 0 ? "" : " ", d->names[i]);
		disks_property(t, d->names[i], "removable", flag, sizeof(flag));
		put(where, sizeof(where), "/sys/class/block/%s", d->names[i]);
		char *real = disks_real_path(t, where);
		c->removable |=
			strcmp(flag, "1") == 0 || (real != NULL && strstr(real, "/usb") != NULL);
		free(real);
	}
}

static void choose(void *arg, const struct disks_mount *m)
{
	struct choosing *ch = arg;
	char path[PATH_MAX * 2];
	struct statvfs st;
	put(path, sizeof(path), "%s%s", disks_root(ch->tree), m->point);
	if (ch->n == ch->max || m->read_only || access(path, W_OK) < 0 || statvfs(path, &st) < 0)
		return;
	struct placement_candidate *c = &ch->out[ch->n++];
	*c = (struct placement_candidate){.size = (uint64_t)st.f_blocks * st.f_frsize,
		.free = (uint64_t)st.f_bavail * st.f_frsize};
	struct disks *d = mem_alloc(sizeof(*d));
	put(c->path, sizeof(c->path), "%s", m->point);
	put(c->type, sizeof(c->type), "%s", m->type);
	disks_label(ch->tree, m->source, c->label, sizeof(c->label));
	(void)disks_of_path(ch->tree, m->point, d);
	describe(ch->tree, d, c);
	ch->ask.vault = c->path;
	ch->ask.vault_name = c->label[0] == 0 ? c->path : c->label;
	decide(ch->tree, &ch->ask, d, &ch->taken, &c->placement);
	free(d);
}

size_t placement_candidates(
	const struct placement_ask *ask, struct placement_candidate *out, size_t max)
{
	struct choosing *ch = mem_alloc(sizeof(*ch));
	struct disks_tree *t = disks_tree_new(ask->root == NULL ? "" : ask->root);
	*ch = (struct choosing){.tree = t, .ask = *ask, .out = out, .max = max};
	if (t != NULL) {
		take_all(t, ask, &ch->taken);
		disks_each_mount(t, choose, ch);
	}
	size_t n = ch->n;
	disks_tree_free(t);
	free(ch);
	return n;
}

int placement_server(const struct placement_ask *ask, const char *host, struct placement *ret,
	struct fault *reterr)
{
	struct placement p = {.verdict = PLACEMENT_SEPARATE};
	char database[256];
	conninfo_get(ask->database, "host", database, sizeof(database));
	bool with_database = !is_here(database) && strcasecmp(host, database) == 0;
	if (is_here(host) || with_database || strcasecmp(host, ask->database_disk) == 0) {
		p.verdict = PLACEMENT_SAME_DISK;
		put(p.why, sizeof(p.why),
			"vault '%s' (%.120s) is on %s, which also holds %s. If it fails, the "
			"printers' backups fail with it. Choose a server elsewhere",
			ask->vault_name, ask->vault, host,
			with_database ? "the database" : "the system");
	}
	if (judge(ask, &p, reterr) < 0)
		return -1;
	*ret = p;
	return 0;
}
