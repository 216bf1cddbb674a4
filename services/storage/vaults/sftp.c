// SPDX-License-Identifier: Apache-2.0
/* A vault on an SFTP server, protocol 3 as OpenSSH speaks it: temporary name, flush where the
 * server offers it, rename that never replaces. What was written is read back over a connection of
 * its own, opened after the last flush (ST-11). */
#include "services/storage/vaults/sftp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/storage/vaults/sftp_link.h"

#define FULL_NAME (sizeof(((struct server *)0)->path) + VAULT_NAME_MAX)

struct sftp {
	struct vault_remote base;
	struct sftp_target target;
	struct sftp_link writing, reading;
};

struct sftp_put {
	struct remote_put base;
	struct sftp *sftp;
	LIBSSH2_SFTP_HANDLE *file;
	uint64_t serial; /* of the connection it was opened on */
};

struct sftp_reader {
	struct remote_reader base;
	struct sftp *sftp;
	LIBSSH2_SFTP_HANDLE *file;
	uint64_t serial;
};

static struct sftp *of(struct vault_remote *r)
{
	return container_of(r, struct sftp, base);
}

static const char *full(const struct sftp *s, const char *name, char out[static FULL_NAME])
{
	if (strcmp(name, ".") == 0)
		(void)snprintf(out, FULL_NAME, "%s", s->target.server.path);
	else
		(void)snprintf(out, FULL_NAME, "%s/%s", s->target.server.path, name);
	return out;
}

static int connected(struct sftp *s, struct sftp_link *l, struct fault *reterr)
{
	return l->sftp != NULL ? 0 : sftp_link_open(l, &s->target, reterr);
}

/* What went wrong is as good. */
static int well(struct fault *reterr)
{
	*reterr = FAULT_INIT;
	return 0;
}

static unsigned length(const char *path)
{
	return (unsigned)strlen(path);
}

static int look(const struct sftp *s, const char *path, int how, LIBSSH2_SFTP_ATTRIBUTES *ret)
{
	return libssh2_sftp_stat_ex(s->writing.sftp, path, length(path), how, ret);
}

static int make_one(const struct sftp *s, const char *path)
{
	return libssh2_sftp_mkdir_ex(s->writing.sftp, path, length(path), 0700);
}

static LIBSSH2_SFTP_HANDLE *open_one(
	const struct sftp_link *l, const char *path, unsigned long flags, int what)
{
	return libssh2_sftp_open_ex(l->sftp, path, length(path), flags, 0600, what);
}

/* ---- places ---- */

static int op_check(struct vault_remote *r, struct fault *reterr)
{
	struct sftp *s = of(r);
	LIBSSH2_SFTP_ATTRIBUTES a;
	char path[FULL_NAME];
	if (connected(s, &s->writing, reterr) < 0)
		return -1;
	/* does it still listen? */
	if (look(s, full(s, ".", path), LIBSSH2_SFTP_STAT, &a) == 0)
		return 0;
	if (sftp_fault(&s->writing, s->base.place, reterr) < 0 && s->writing.sftp != NULL)
		return well(reterr); /* it answers; what is there is another question */
	(void)well(reterr);
	return connected(s, &s->writing, reterr);
}

static int op_make(struct vault_remote *r, const char *folder, struct fault *reterr)
{
	struct sftp *s = of(r);
	LIBSSH2_SFTP_ATTRIBUTES a;
	char path[FULL_NAME];
	if (connected(s, &s->writing, reterr) < 0)
		return -1;
	if (make_one(s, full(s, folder, path)) == 0)
		return 0;
	if (look(s, path, LIBSSH2_SFTP_STAT, &a) == 0)
		return 0; /* "failure" is all it says of one that is there */
	(void)make_one(s, path);
	(void)sftp_fault(&s->writing, path, reterr);
	if (reterr->code == CN_NOT_FOUND)
		return fault_why(reterr, CN_VALIDATION_FAILED, "no_such_folder",
			"%s has no folder above %.200s", s->target.server.host, path);
	return -1;
}

static int op_list(struct vault_remote *r, const char *folder,
	int (*fn)(void *arg, const char *name), void *arg, struct fault *reterr)
{
	struct sftp *s = of(r);
	LIBSSH2_SFTP_ATTRIBUTES a;
	char path[FULL_NAME], name[512];
	int rc = 0, n;
	if (connected(s, &s->writing, reterr) < 0)
		return -1;
	LIBSSH2_SFTP_HANDLE *d =
		open_one(&s->writing, full(s, folder, path), 0, LIBSSH2_SFTP_OPENDIR);
	if (d == NULL) {
		rc = sftp_fault(&s->writing, path, reterr);
		return reterr->code == CN_NOT_FOUND ? well(reterr) : rc;
	}
	while (rc == 0 && (n = libssh2_sftp_readdir(d, name, sizeof(name), &a)) != 0) {
		if (n < 0)
			rc = sftp_fault(&s->writing, path, reterr);
		else if (name[0] != '.')
			rc = fn(arg, name);
	}
	if (s->writing.sftp != NULL)
		(void)libssh2_sftp_closedir(d);
	return rc;
}

static int op_stat(
	struct vault_remote *r, const char *name, struct remote_stat *ret, struct fault *reterr)
{
	struct sftp *s = of(r);
	LIBSSH2_SFTP_ATTRIBUTES a;
	char path[FULL_NAME];
	if (connected(s, &s->writing, reterr) < 0)
		return -1;
	if (look(s, full(s, name, path), LIBSSH2_SFTP_LSTAT, &a) < 0)
		return sftp_fault(&s->writing, path, reterr);
	*ret = (struct remote_stat){
		.size = (a.flags & LIBSSH2_SFTP_ATTR_SIZE) ? a.filesize : 0, .changed_ms = 1};
	if ((a.flags & LIBSSH2_SFTP_ATTR_ACMODTIME) && a.mtime > 0)
		ret->changed_ms = (uint64_t)a.mtime * 1000;
	return 0;
}

static int op_remove(struct vault_remote *r, const char *name, struct fault *reterr)
{
	struct sftp *s = of(r);
	char path[FULL_NAME];
	if (connected(s, &s->writing, reterr) < 0)
		return -1;
	full(s, name, path);
	if (libssh2_sftp_unlink_ex(s->writing.sftp, path, length(path)) == 0)
		return 0;
	(void)sftp_fault(&s->writing, path, reterr);
	return reterr->code == CN_NOT_FOUND ? well(reterr) : -1;
}

static bool op_space(struct vault_remote *r, uint64_t *ret_free, uint64_t *ret_size)
{
	struct sftp *s = of(r);
	LIBSSH2_SFTP_STATVFS st;
	struct fault ignored;
	char path[FULL_NAME];
	if (s->writing.sftp == NULL)
		return false;
	full(s, ".", path);
	if (libssh2_sftp_statvfs(s->writing.sftp, path, strlen(path), &st) < 0) {
		(void)sftp_fault(&s->writing, path, &ignored);
		return false;
	}
	*ret_free = st.f_bavail * st.f_frsize;
	*ret_size = st.f_blocks * st.f_frsize;
	return true;
}

static void op_forget(struct vault_remote *r)
{
	sftp_link_close(&of(r)->reading);
}

static void op_close(struct vault_remote *r)
{
	struct sftp *s = of(r);
	sftp_link_close(&s->reading);
	sftp_link_close(&s->writing);
	secret_free(s->target.login);
	free(s);
}

/* ---- writing ---- */

static struct remote_put *op_create(struct vault_remote *r, const char *temp, struct fault *reterr)
{
	struct sftp *s = of(r);
	char path[FULL_NAME];
	if (connected(s, &s->writing, reterr) < 0)
		return NULL;
	LIBSSH2_SFTP_HANDLE *file = open_one(&s->writing, full(s, temp, path),
		LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT | LIBSSH2_FXF_EXCL, LIBSSH2_SFTP_OPENFILE);
	if (file == NULL) {
		(void)sftp_fault(&s->writing, path, reterr);
		return NULL;
	}
	struct sftp_put *p = mem_alloc(sizeof(*p));
	*p = (struct sftp_put){.sftp = s, .file = file, .serial = s->writing.serial};
	return &p->base;
}

/* Handles end with their connection. */
static bool on(const struct sftp_link *l, uint64_t serial)
{
	return l->sftp != NULL && l->serial == serial;
}

static bool alive(const struct sftp_put *p)
{
	return p->file != NULL && on(&p->sftp->writing, p->serial);
}

static int lost(struct fault *reterr)
{
	return fault_why(reterr, CN_STORE_UNAVAILABLE, "vault_lost",
		"the connection ended while a file was on its way");
}

static int op_write(struct remote_put *put, struct span bytes, struct fault *reterr)
{
	struct sftp_put *p = container_of(put, struct sftp_put, base);
	if (!alive(p))
		return lost(reterr);
	while (bytes.n > 0) {
		ssize_t n = libssh2_sftp_write(p->file, (const char *)bytes.p, bytes.n);
		if (n < 0)
			return sftp_fault(&p->sftp->writing, "write", reterr);
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
	return 0;
}

/* fsync@openssh.com, where the server has it. */
static int flush(struct sftp_put *p, struct fault *reterr)
{
	struct sftp_link *l = &p->sftp->writing;
	if (libssh2_sftp_fsync(p->file) == 0)
		return 0;
	bool refused = libssh2_session_last_errno(l->session) == LIBSSH2_ERROR_SFTP_PROTOCOL &&
		       libssh2_sftp_last_error(l->sftp) == LIBSSH2_FX_OP_UNSUPPORTED;
	return refused ? 0 : sftp_fault(l, "flush", reterr);
}

static int op_finish(struct remote_put *put, struct fault *reterr)
{
	struct sftp_put *p = container_of(put, struct sftp_put, base);
	if (!alive(p))
		return lost(reterr);
	int rc = flush(p, reterr);
	if (!alive(p))
		return -1;
	if (libssh2_sftp_close(p->file) < 0 && rc == 0)
		rc = sftp_fault(&p->sftp->writing, "close", reterr);
	p->file = NULL;
	return rc;
}

static void op_discard(struct vault_remote *r, struct remote_put *put, const char *temp)
{
	struct sftp_put *p = container_of(put, struct sftp_put, base);
	struct fault ignored;
	if (alive(p))
		(void)libssh2_sftp_close(p->file);
	if (temp[0] != 0 && of(r)->writing.sftp != NULL)
		(void)op_remove(r, temp, &ignored);
	free(p);
}

/* ---- names ---- */

static int move(struct sftp *s, const char *from, const char *to, struct fault *reterr)
{
	if (libssh2_sftp_rename_ex(s->writing.sftp, from, length(from), to, length(to), 0) == 0)
		return 0;
	return sftp_fault(&s->writing, to, reterr);
}

/* Folders on the way to name, which lies beneath the vault's root. */
static int make_folders(struct vault_remote *r, const char *name, struct fault *reterr)
{
	char folder[VAULT_NAME_MAX];
	for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - name), name);
		if (op_make(r, folder, reterr) < 0)
			return -1;
	}
	return 0;
}

/* Protocol 3 cannot replace: the old one steps aside first. What ends between the two is a copy
 * without its slot, which the scrub finds and puts right. */
static int step_aside(
	struct vault_remote *r, const char *name, const char *aside, struct fault *reterr)
{
	struct sftp *s = of(r);
	char from[FULL_NAME], to[FULL_NAME];
	if (s->writing.sftp == NULL)
		return lost(reterr);
	if (move(s, full(s, name, from), full(s, aside, to), reterr) == 0)
		return 0;
	return reterr->code == CN_NOT_FOUND ? well(reterr) : -1;
}

static bool is_there(struct vault_remote *r, const char *name)
{
	struct remote_stat there;
	struct fault ignored;
	return op_stat(r, name, &there, &ignored) == 0;
}

static int move_into(struct vault_remote *r, const struct vault_file *f, struct fault *reterr)
{
	struct sftp *s = of(r);
	char from[FULL_NAME], to[FULL_NAME];
	if (s->writing.sftp == NULL)
		return lost(reterr);
	full(s, f->temp, from);
	full(s, f->name, to);
	if (move(s, from, to, reterr) == 0)
		return 0;
	if (reterr->code != CN_NOT_FOUND || make_folders(r, f->name, reterr) < 0)
		return -1;
	(void)well(reterr);
	return move(s, from, to, reterr);
}

static int op_publish(struct vault_remote *r, struct remote_put *put, const struct vault_file *f,
	bool replace, struct fault *reterr)
{
	char aside[64];
	(void)put;
	(void)snprintf(aside, sizeof(aside), "%s.old", f->temp);
	if (replace && step_aside(r, f->name, aside, reterr) < 0)
		return -1;
	/* OpenSSH refuses to replace; of others it is not known */
	if (!replace && is_there(r, f->name))
		return fault_why(reterr, CN_CONFLICT, "name_taken", "%s is there", f->name);
	if (move_into(r, f, reterr) < 0)
		return -1;
	return replace ? op_remove(r, aside, reterr) : 0;
}

/* ---- reading ---- */

static struct remote_reader *op_reader(
	struct vault_remote *r, const char *name, struct fault *reterr)
{
	struct sftp *s = of(r);
	char path[FULL_NAME];
	if (connected(s, &s->reading, reterr) < 0)
		return NULL;
	LIBSSH2_SFTP_HANDLE *file =
		open_one(&s->reading, full(s, name, path), LIBSSH2_FXF_READ, LIBSSH2_SFTP_OPENFILE);
	if (file == NULL) {
		(void)sftp_fault(&s->reading, path, reterr);
		return NULL;
	}
	struct sftp_reader *reader = mem_alloc(sizeof(*reader));
	*reader = (struct sftp_reader){.sftp = s, .file = file, .serial = s->reading.serial};
	return &reader->base;
}

static ssize_t op_read(struct remote_reader *base, uint8_t *p, size_t n, struct fault *reterr)
{
	struct sftp_reader *r = container_of(base, struct sftp_reader, base);
	if (!on(&r->sftp->reading, r->serial))
		return lost(reterr);
	ssize_t got = libssh2_sftp_read(r->file, (char *)p, n);
	return got < 0 ? sftp_fault(&r->sftp->reading, "read", reterr) : got;
}

static void op_reader_free(struct remote_reader *base)
{
	struct sftp_reader *r = container_of(base, struct sftp_reader, base);
	if (on(&r->sftp->reading, r->serial))
		(void)libssh2_sftp_close(r->file);
	free(r);
}

static const struct remote_ops SFTP = {
	.kind = "sftp",
	.has_temp = true,
	.check = op_check,
	.make = op_make,
	.create = op_create,
	.write = op_write,
	.finish = op_finish,
	.publish = op_publish,
	.discard = op_discard,
	.reader = op_reader,
	.read = op_read,
	.reader_free = op_reader_free,
	.list = op_list,
	.stat = op_stat,
	.remove = op_remove,
	.space = op_space,
	.forget = op_forget,
	.close = op_close,
};

struct vault_remote *sftp_new(const struct vault_address *a, struct secret *login,
	struct remote_opts opts, struct fault *reterr)
{
	struct server server;
	if (server_parse(a->place, &server, reterr) < 0)
		goto bad;
	if (strcmp(server.scheme, "sftp") != 0 || server.path[0] == 0) {
		(void)fault_why(reterr, CN_VALIDATION_FAILED, "place_form",
			"'%.200s' is no address like sftp://host:22/path", a->place);
		goto bad;
	}
	struct sftp *s = mem_alloc(sizeof(*s));
	*s = (struct sftp){.base = {.ops = &SFTP},
		.target = {.server = server,
			.login = login,
			.timeout_ms = opts.timeout_ms,
			.where = opts.where},
		.writing = {.fd = -1},
		.reading = {.fd = -1}};
	(void)snprintf(s->base.place, sizeof(s->base.place), "%s", a->place);
	(void)snprintf(s->target.account, sizeof(s->target.account), "%s", a->account);
	(void)snprintf(s->target.pin, sizeof(s->target.pin), "%s", a->pin);
	return &s->base;
bad:
	secret_free(login);
	return NULL;
}
