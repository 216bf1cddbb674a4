// SPDX-License-Identifier: Apache-2.0
/* Chains: each device and kind from its first generation to the newest, no gap, no twin, nothing
 * edited (ST-38). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/verify/verify.h"

/* One version in a folder. */
struct link {
	uint64_t generation;
	struct uuid id;
	bool json, sig, tomb;       /* files there are */
	bool good;                  /* manifest read, signature right */
	bool read;                  /* its bytes are known */
	bool gone;                  /* tombstone read */
	uint8_t digest[SHA256_LEN]; /* of the manifest's bytes */
	uint64_t prev_generation;
	uint8_t prev_digest[SHA256_LEN];
};

struct chain {
	struct uuid device;
	const char *kind;
	char folder[96];
	struct link *links;
	size_t n;
};

static int by_generation(const void *a, const void *b)
{
	const struct link *x = a, *y = b;
	if (x->generation != y->generation)
		return x->generation < y->generation ? -1 : 1;
	return uuid_cmp(&x->id, &y->id);
}

static const char *path_of(const struct chain *c, const struct link *l, const char *suffix,
	char out[static VAULT_NAME_MAX])
{
	vault_manifest_name(out, &c->device, c->kind, l->generation, &l->id, suffix);
	return out;
}

static struct where where_of(const struct chain *c, const struct link *l, const char *path)
{
	return (struct where){path, -1, &c->device, c->kind, l->generation};
}

/* ---- the folder ---- */

static void note_file(struct verify *v, struct chain *c, const char *name)
{
	char path[VAULT_NAME_MAX];
	struct link l = {.json = false};
	const char *suffix;
	if (version_name(name, &l.generation, &l.id, &suffix)) {
		l.json = strcmp(suffix, "json") == 0;
		l.sig = strcmp(suffix, "sig") == 0;
		l.tomb = strcmp(suffix, "erased") == 0;
	}
	if (!l.json && !l.sig && !l.tomb) {
		(void)snprintf(path, sizeof(path), "%s/%.80s", c->folder, name);
		found(v, FINDING_NOTE, &(struct where){path, -1, &c->device, c->kind, 0},
			"not a file of ours");
		return;
	}
	/* names are sorted: files of one version come one after the other */
	bug_if(c->links == NULL);
	struct link *last = c->n == 0 ? NULL : &c->links[c->n - 1];
	if (last != NULL && uuid_eq(&last->id, &l.id) && last->generation == l.generation) {
		last->json |= l.json;
		last->sig |= l.sig;
		last->tomb |= l.tomb;
	} else {
		c->links[c->n++] = l;
	}
}

static bool read_folder(struct verify *v, struct chain *c)
{
	struct names names;
	struct fault f = FAULT_INIT;
	if (names_read(&v->medium, c->folder, &names, &f) < 0) {
		found_fault(v, &(struct where){c->folder, -1, &c->device, c->kind, 0}, &f);
		return false;
	}
	c->links = mem_alloc((names.n + 1) * sizeof(*c->links));
	for (size_t i = 0; i < names.n; i++)
		note_file(v, c, names.names[i]);
	if (c->n > 1)
		qsort(c->links, c->n, sizeof(*c->links), by_generation);
	names_fini(&names);
	return true;
}

/* ---- one version ---- */

static bool signature_good(
	struct verify *v, const struct chain *c, const struct link *l, struct span text)
{
	char path[VAULT_NAME_MAX];
	struct buf sig = BUF_INIT;
	struct fault f = FAULT_INIT;
	const struct where where = where_of(c, l, path_of(c, l, "sig", path));
	bool good = false;
	if (vault_read_small(&v->medium, path, SIGNATURE, &sig, &f) < 0) {
		found_fault(v, &where, &f);
	} else {
		good = sig.n == SIGNATURE &&
		       (v->signers.n == 0 || manifest_signed(&v->signers, text, sig.p));
		if (!good)
			found(v, FINDING_DAMAGE, &where,
				"manifest and signature do not belong together");
	}
	buf_fini(&sig);
	return good;
}

static bool name_fits(const struct verify *v, const struct chain *c, const struct link *l,
	const struct manifest *m)
{
	return uuid_eq(&m->tenant, &v->medium.tenant) && uuid_eq(&m->device, &c->device) &&
	       strcmp(m->kind, c->kind) == 0 && m->generation == l->generation &&
	       uuid_eq(&m->version, &l->id);
}

static void check_tombstone(struct verify *v, const struct chain *c, struct link *l)
{
	char path[VAULT_NAME_MAX];
	struct buf text = BUF_INIT;
	struct fault f = FAULT_INIT;
	struct tombstone t = {.at_ms = 0};
	const struct where where = where_of(c, l, path_of(c, l, "erased", path));
	if (vault_read_small(&v->medium, path, SLOT_MAX, &text, &f) < 0)
		found_fault(v, &where, &f);
	else if (tombstone_read(buf_span(&text), &v->signers, &t) < 0 ||
		 !uuid_eq(&t.version, &l->id) || !uuid_eq(&t.tenant, &v->medium.tenant) ||
		 memcmp(t.digest, l->digest, SHA256_LEN) != 0)
		found(v, FINDING_DAMAGE, &where, "not the signed tombstone of this version");
	else
		l->gone = true;
	buf_fini(&text);
	check_erased_slot(v, &where, &l->id, t.at_ms);
	v->erased += l->gone;
}

static void check_link(struct verify *v, const struct chain *c, struct link *l)
{
	char path[VAULT_NAME_MAX];
	struct buf text = BUF_INIT;
	struct fault f = FAULT_INIT;
	struct manifest m;
	const struct where where = where_of(c, l, path_of(c, l, "json", path));
	if (!l->json) {
		found(v, FINDING_DAMAGE, &where, "missing: its signature or tombstone is there");
		return;
	}
	if (vault_read_small(&v->medium, path, MANIFEST_MAX, &text, &f) < 0 ||
		manifest_read(buf_span(&text), &m, &f) < 0) {
		found_fault(v, &where, &f);
		buf_fini(&text);
		return;
	}
	sha256(buf_span(&text), l->digest);
	l->read = true;
	l->prev_generation = m.prev_generation;
	memcpy(l->prev_digest, m.prev_digest, SHA256_LEN);
	if (!name_fits(v, c, l, &m))
		found(v, FINDING_DAMAGE, &where, "the manifest of another version under this name");
	else if (l->sig && signature_good(v, c, l, buf_span(&text)))
		l->good = true;
	if (l->tomb)
		check_tombstone(v, c, l);
	else if (l->good)
		check_items(v, &m);
	v->versions += l->good;
	manifest_fini(&m);
	buf_fini(&text);
}

/* ---- the chain ---- */

/* A manifest without signature is no backup, unless somebody counts on it. */
static bool counted_on(
	const struct chain *c, const struct link *l, const struct passport_entry *promised)
{
	if (promised != NULL && uuid_eq(&promised->version, &l->id))
		return true;
	for (const struct link *o = l + 1; o < c->links + c->n; o++)
		if (o->good && o->prev_generation == l->generation && l->read &&
			memcmp(o->prev_digest, l->digest, SHA256_LEN) == 0)
			return true;
	return false;
}

/* On a vault for copies the newest version comes first: what no passport promised may be on its
 * way.
 */
static bool may_lack(const struct verify *v, const struct chain *c, const struct passport_entry *e)
{
	uint64_t here = 0;
	bool copy = false;
	for (size_t i = 0; i < v->passport.vaults_n; i++)
		copy |= uuid_eq(&v->passport.vaults[i].id, &v->medium.id) &&
			strcmp(v->passport.vaults[i].role, "copy") == 0;
	for (size_t i = 0; i < c->n && e != NULL; i++)
		here += c->links[i].generation <= e->generation && c->links[i].json &&
			c->links[i].sig;
	return copy && (e == NULL || here >= e->versions);
}

static void check_order(struct verify *v, const struct chain *c, const struct link *last,
	const struct link *l, const char *path)
{
	static const uint8_t zeros[SHA256_LEN];
	const struct where where = where_of(c, l, path);
	uint64_t before = last == NULL ? 0 : last->generation;
	if (l->generation == before)
		found(v, FINDING_DAMAGE, &where, "two versions of one generation");
	else if (l->generation != before + 1 &&
		 may_lack(v, c, passport_find(&v->passport, &c->device, c->kind)))
		found(v, FINDING_INCOMPLETE, &where,
			"generations %llu to %llu before it were not copied yet",
			(unsigned long long)before + 1, (unsigned long long)l->generation - 1);
	else if (l->generation != before + 1)
		found(v, FINDING_DAMAGE, &where, "generations %llu to %llu before it are missing",
			(unsigned long long)before + 1, (unsigned long long)l->generation - 1);
	else if (l->good && (last == NULL || last->good) &&
		 (l->prev_generation != before ||
			 memcmp(l->prev_digest, last == NULL ? zeros : last->digest, SHA256_LEN) !=
				 0))
		found(v, FINDING_DAMAGE, &where, "does not follow the generation before it");
}

static void check_promise(struct verify *v, const struct chain *c, const struct link *newest,
	const struct passport_entry *e, uint64_t erased)
{
	const struct where where = {c->folder, -1, &c->device, c->kind, e->generation};
	if (newest == NULL || newest->generation < e->generation)
		found(v, FINDING_INCOMPLETE, &where,
			"missing: passport %llu knows generation %llu, the newest here is %llu",
			(unsigned long long)v->passport.serial, (unsigned long long)e->generation,
			(unsigned long long)(newest == NULL ? 0 : newest->generation));
	if (erased < e->erased)
		found(v, FINDING_DAMAGE, &where,
			"%llu versions were erased, %llu tombstones are here",
			(unsigned long long)e->erased, (unsigned long long)erased);
}

static void judge(struct verify *v, const struct chain *c)
{
	char path[VAULT_NAME_MAX];
	const struct link *last = NULL;
	uint64_t erased = 0;
	const struct passport_entry *e = passport_find(&v->passport, &c->device, c->kind);
	for (size_t i = 0; i < c->n; i++) {
		const struct link *l = &c->links[i];
		erased += l->gone;
		path_of(c, l, "json", path);
		const struct where where = where_of(c, l, path);
		if (!l->sig && !l->tomb && !counted_on(c, l, e)) {
			found(v, FINDING_INCOMPLETE, &where,
				"uncommitted: a manifest without signature is no backup");
			continue;
		}
		if (!l->sig)
			found(v, may_lack(v, c, e) ? FINDING_INCOMPLETE : FINDING_DAMAGE, &where,
				"its signature is missing");
		check_order(v, c, last, l, path);
		last = l;
		if (e != NULL && e->generation == l->generation && l->good &&
			memcmp(e->digest, l->digest, SHA256_LEN) != 0)
			found(v, FINDING_DAMAGE, &where, "not the version that passport %llu knows",
				(unsigned long long)v->passport.serial);
	}
	if (e == NULL)
		return;
	v->met[e - v->passport.entries] = true;
	check_promise(v, c, last, e, erased);
}

/* ---- all ---- */

static void check_kind(struct verify *v, const struct uuid *device, const char *kind)
{
	char id[UUID_TEXT];
	struct chain c = {.device = *device, .kind = kind};
	(void)snprintf(
		c.folder, sizeof(c.folder), "devices/%s/%.40s", uuid_format(device, id), kind);
	if (strlen(kind) < sizeof(((struct manifest *)0)->kind) && read_folder(v, &c)) {
		for (size_t i = 0; i < c.n; i++)
			check_link(v, &c, &c.links[i]);
		judge(v, &c);
	}
	free(c.links);
}

static void check_device(struct verify *v, const char *name)
{
	char folder[VAULT_NAME_MAX];
	struct names kinds;
	struct uuid device;
	struct fault f = FAULT_INIT;
	(void)snprintf(folder, sizeof(folder), "devices/%.40s", name);
	const struct where where = {.path = folder, .offset = -1};
	if (uuid_parse(name, &device) < 0) {
		found(v, FINDING_NOTE, &where, "not a folder of ours");
		return;
	}
	if (!uuid_is_nil(&v->device) && !uuid_eq(&v->device, &device))
		return;
	if (names_read(&v->medium, folder, &kinds, &f) < 0) {
		found_fault(v, &where, &f);
		return;
	}
	v->devices++;
	for (size_t i = 0; i < kinds.n; i++)
		check_kind(v, &device, kinds.names[i]);
	names_fini(&kinds);
}

void check_chains(struct verify *v)
{
	struct names devices;
	struct fault f = FAULT_INIT;
	if (names_read(&v->medium, "devices", &devices, &f) < 0) {
		found_fault(v, &(struct where){.path = "devices", .offset = -1}, &f);
		return;
	}
	for (size_t i = 0; i < devices.n; i++)
		check_device(v, devices.names[i]);
	names_fini(&devices);
}
