// SPDX-License-Identifier: Apache-2.0
/* The vault as a place: its marker file, and how much room it has. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/clock/clock.h"
#include "common/vault/canonical.h"
#include "common/vault/vault_remote.h"

#define MARKER VAULT_MARKER
#define GIB ((uint64_t)1 << 30)

static const char *const folders[] = {"tmp", "objects", "devices", "keys"};

static int not_mounted(
	struct fault *reterr, const char *name, const struct uuid *id, const char *path)
{
	char text[UUID_TEXT] = "(any)";
	if (id != NULL && !uuid_is_nil(id))
		uuid_format(id, text);
	return fault_why(reterr, CN_VAULT_NOT_MOUNTED, "vault_not_mounted",
		"%s expected vault %s at this place (%s); nothing was written", name, text, path);
}

struct marker {
	struct uuid id, tenant;
	int64_t min_protocol;
};

static int marker_parse(struct span text, struct marker *ret)
{
	struct canonical c;
	struct marker m = {.min_protocol = 0};
	char format[32] = "";
	canonical_init(&c, text);
	canonical_enter(&c, '{');
	while (canonical_key(&c)) {
		if (canonical_is(&c, "format"))
			canonical_text(&c, format, sizeof(format));
		else if (canonical_is(&c, "id"))
			canonical_uuid(&c, &m.id);
		else if (canonical_is(&c, "min_protocol"))
			m.min_protocol = canonical_int(&c);
		else if (canonical_is(&c, "tenant"))
			canonical_uuid(&c, &m.tenant);
		else
			canonical_skip(&c);
	}
	if (!canonical_end(&c) || strcmp(format, "carnet-vault-1") != 0)
		return -1;
	*ret = m;
	return 0;
}

static int read_marker(struct vault *v, struct marker *ret, struct fault *reterr)
{
	struct buf text = BUF_INIT;
	int rc = vault_read_small(v, MARKER, 4096, &text, reterr);
	if (rc < 0 && reterr->code == CN_NOT_FOUND)
		rc = not_mounted(reterr, v->name, &v->id, v->path);
	else if (rc == 0 && marker_parse(buf_span(&text), ret) < 0)
		rc = fault_why(reterr, CN_VAULT_NOT_MOUNTED, "bad_marker",
			"%s/" MARKER " is not a vault marker", v->path);
	buf_fini(&text);
	return rc;
}

static int too_old(const struct vault *v, const struct marker *m, struct fault *reterr)
{
	char what[80];
	(void)snprintf(what, sizeof(what), "vault '%.64s'", v->name);
	return fault_needs(
		reterr, CN_VAULT_TOO_OLD, "", what, (unsigned)m->min_protocol, VAULT_PROTOCOL);
}

static int open_dirs(struct vault *v, struct fault *reterr)
{
	struct stat st;
	v->fd = open(v->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->fd < 0 || fstat(v->fd, &st) < 0)
		return not_mounted(reterr, v->name, &v->id, v->path);
	v->dev = st.st_dev;
	v->ino = st.st_ino;
	return 0;
}

/* Is it the vault that is wanted? */
static int identify(struct vault *v, const struct uuid *expected, struct fault *reterr)
{
	struct marker m = {.min_protocol = 0};
	if (read_marker(v, &m, reterr) < 0)
		return -1;
	if (m.min_protocol > VAULT_PROTOCOL)
		return too_old(v, &m, reterr);
	if (!uuid_is_nil(expected) && !uuid_eq(expected, &m.id))
		return not_mounted(reterr, v->name, expected, v->path);
	if (!uuid_eq(&v->tenant, &m.tenant))
		return fault_why(reterr, CN_VAULT_NOT_MOUNTED, "other_tenant",
			"vault '%s' belongs to another tenant", v->name);
	v->id = m.id;
	return 0;
}

int vault_open(struct vault *v, const char *path, const char *name, const struct uuid *tenant,
	const struct uuid *expected, struct fault *reterr)
{
	*v = (struct vault){.fd = -1, .tmp = -1, .id = *expected, .tenant = *tenant};
	(void)snprintf(v->name, sizeof(v->name), "%s", name);
	v->path = mem_strdup(path);
	if (open_dirs(v, reterr) < 0 || identify(v, expected, reterr) < 0)
		goto bad;
	v->tmp = openat(v->fd, "tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (v->tmp >= 0)
		return 0;
	vault_errno(reterr, "tmp/");
bad:
	vault_close(v);
	return -1;
}

int vault_open_remote(struct vault *v, struct vault_remote *r, const char *name,
	const struct uuid *tenant, const struct uuid *expected, struct fault *reterr)
{
	*v = (struct vault){.fd = -1, .tmp = -1, .id = *expected, .tenant = *tenant, .remote = r};
	(void)snprintf(v->name, sizeof(v->name), "%s", name);
	v->path = mem_strdup(r->place);
	if (r->ops->check(r, reterr) == 0 && identify(v, expected, reterr) == 0)
		return 0;
	vault_close(v);
	return -1;
}

int vault_open_medium(struct vault *v, const char *path, struct fault *reterr)
{
	struct marker m = {.min_protocol = 0};
	*v = (struct vault){.fd = -1, .tmp = -1, .name = "medium"};
	v->path = mem_strdup(path);
	int rc = open_dirs(v, reterr);
	if (rc == 0)
		rc = read_marker(v, &m, reterr);
	if (rc == 0 && m.min_protocol > VAULT_PROTOCOL)
		rc = too_old(v, &m, reterr);
	if (rc < 0) {
		vault_close(v);
		return -1;
	}
	v->id = m.id;
	v->tenant = m.tenant;
	return 0;
}

void vault_close(struct vault *v)
{
	if (v->fd >= 0)
		close(v->fd);
	if (v->tmp >= 0)
		close(v->tmp);
	if (v->remote != NULL)
		v->remote->ops->close(v->remote);
	free(v->path);
	*v = (struct vault){.fd = -1, .tmp = -1};
}

int vault_check(const struct vault *v, struct fault *reterr)
{
	struct stat st;
	struct marker m;
	struct vault now = *v;
	if (v->remote != NULL && v->remote->ops->check(v->remote, reterr) < 0)
		return -1;
	if (v->remote == NULL &&
		(stat(v->path, &st) < 0 || st.st_dev != v->dev || st.st_ino != v->ino))
		return not_mounted(reterr, v->name, &v->id, v->path);
	if (read_marker(&now, &m, reterr) < 0)
		return -1;
	return uuid_eq(&m.id, &v->id) ? 0 : not_mounted(reterr, v->name, &v->id, v->path);
}

static bool usage(const struct vault *v, uint64_t *ret_free, uint64_t *ret_size)
{
	struct statvfs st;
	if (v->remote != NULL)
		return v->remote->ops->space(v->remote, ret_free, ret_size);
	if (fstatvfs(v->fd, &st) < 0)
		return false;
	*ret_free = (uint64_t)st.f_bavail * st.f_frsize;
	*ret_size = (uint64_t)st.f_blocks * st.f_frsize;
	return true;
}

uint64_t vault_free_bytes(const struct vault *v)
{
	uint64_t room = 0, size = 0;
	return usage(v, &room, &size) ? room : 0;
}

int vault_room(const struct vault *v, struct fault *reterr)
{
	uint64_t room = 0, size = 0;
	if (!usage(v, &room, &size)) /* not every server tells */
		return v->remote != NULL ? 0 : vault_errno(reterr, "free space");
	/* 1 GiB, but on a small medium no more than a tenth of it */
	uint64_t floor = size / 10 < GIB ? size / 10 : GIB;
	uint64_t reserve = size / 100 * v->reserve_percent;
	reserve = reserve > floor ? reserve : floor;
	if (v->reserve_percent == 0 || room > reserve)
		return 0;
	return fault_why(reterr, CN_STORE_FULL, "reserve",
		"vault '%s' has %llu MiB free, %llu MiB are kept in reserve", v->name,
		(unsigned long long)(room >> 20), (unsigned long long)(reserve >> 20));
}

/* ---- making ---- */

/* What may lie in a directory that becomes a vault: what another instance is just making, too. */
static bool allowed(const char *name)
{
	static const char *const plain[] = {".", "..", "lost+found"};
	for (size_t i = 0; i < array_len(plain); i++)
		if (strcmp(name, plain[i]) == 0)
			return true;
	for (size_t i = 0; i < array_len(folders); i++)
		if (strcmp(name, folders[i]) == 0)
			return true;
	return false;
}

static bool folder_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	bool empty = d != NULL;
	struct dirent *e;
	while (empty && (e = readdir(d)) != NULL)
		empty = allowed(e->d_name);
	if (d != NULL)
		closedir(d);
	return empty;
}

static void marker_write(struct buf *out, const struct uuid *id, const struct uuid *tenant)
{
	char i[UUID_TEXT], t[UUID_TEXT];
	buf_addf(out,
		"{\"format\":\"carnet-vault-1\",\"id\":\"%s\",\"min_protocol\":%d,"
		"\"protocol\":%d,\"tenant\":\"%s\"}",
		uuid_format(id, i), VAULT_PROTOCOL, VAULT_PROTOCOL, uuid_format(tenant, t));
}

static int make_folder(const struct vault *v, const char *folder, struct fault *reterr)
{
	if (v->remote != NULL)
		return v->remote->ops->make(v->remote, folder, reterr);
	if (mkdirat(v->fd, folder, 0700) < 0 && errno != EEXIST)
		return vault_errno(reterr, folder);
	return 0;
}

static int make(struct vault *v, const struct uuid *tenant, struct fault *reterr)
{
	struct vault_file f;
	struct buf text = BUF_INIT;
	struct uuid id = uuid_v7(clock_wall_ms());
	for (size_t i = 0; i < array_len(folders); i++)
		if (make_folder(v, folders[i], reterr) < 0)
			return -1;
	marker_write(&text, &id, tenant);
	/* the marker comes last: without it this is no vault */
	int rc = vault_create_with(v, MARKER, buf_span(&text), &f, reterr);
	if (rc == 0)
		rc = vault_sync(v, reterr);
	if (rc == 0 && vault_publish(v, &f, reterr) < 0) {
		/* another instance was first: its vault is the vault */
		rc = strcmp(reterr->reason, "name_taken") == 0 ? 0 : -1;
		vault_discard(v, &f);
	}
	if (rc == 0)
		rc = vault_sync(v, reterr);
	buf_fini(&text);
	return rc;
}

int vault_make(const char *path, const struct uuid *tenant, struct fault *reterr)
{
	static const struct uuid any;
	struct vault v = {.fd = -1, .tmp = -1, .name = "new"};
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return vault_errno(reterr, path);
	v.path = mem_strdup(path);
	int rc = open_dirs(&v, reterr);
	if (rc == 0 && faccessat(v.fd, MARKER, F_OK, 0) == 0) {
		vault_close(&v);
		rc = vault_open(&v, path, "vault", tenant, &any, reterr);
	} else if (rc == 0 && !folder_empty(v.fd)) {
		rc = fault_why(
			reterr, CN_CONFLICT, "not_empty", "%s is not empty and no vault", path);
	} else if (rc == 0) {
		rc = make(&v, tenant, reterr);
	}
	vault_close(&v);
	return rc;
}

static int stranger(void *arg, const char *name)
{
	(void)arg;
	return allowed(name) ? 0 : 1;
}

int vault_make_remote(struct vault_remote *r, const struct uuid *tenant, struct fault *reterr)
{
	struct remote_stat there;
	struct vault v = {.fd = -1, .tmp = -1, .name = "new", .path = r->place, .remote = r};
	if (r->ops->check(r, reterr) < 0)
		return -1;
	struct fault why = FAULT_INIT;
	if (r->ops->stat(r, MARKER, &there, &why) == 0)
		return 0; /* vault_open_remote looks whose it is */
	if (why.code != CN_NOT_FOUND) {
		*reterr = why;
		return -1;
	}
	if (r->ops->make(r, ".", reterr) < 0)
		return -1;
	int other = r->ops->list(r, ".", stranger, NULL, reterr);
	if (other > 0)
		return fault_why(
			reterr, CN_CONFLICT, "not_empty", "%s is not empty and no vault", r->place);
	return other < 0 ? -1 : make(&v, tenant, reterr);
}
