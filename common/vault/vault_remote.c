// SPDX-License-Identifier: Apache-2.0
/* What is the same for vaults on all kinds of servers. */
#include "common/vault/vault_remote.h"

#include <string.h>

int remote_create(struct vault_remote *r, struct vault_file *f, struct fault *reterr)
{
	f->put = r->ops->create(r, f->temp, reterr);
	if (f->put == NULL) {
		f->temp[0] = 0;
		return -1;
	}
	f->remote = r;
	f->put->sum = sha256_new();
	return 0;
}

int remote_write(
	struct vault_remote *r, struct remote_put *p, struct span bytes, struct fault *reterr)
{
	sha256_add(p->sum, bytes);
	p->size += bytes.n;
	return r->ops->write(p, bytes, reterr);
}

int remote_finish(struct vault_remote *r, struct remote_put *p, struct fault *reterr)
{
	if (p->sum == NULL)
		return 0;
	sha256_end(p->sum, p->digest);
	p->sum = NULL;
	return r->ops->finish(p, reterr);
}

/* Does the file of this name hold exactly what was put? */
static bool same_bytes(struct vault_remote *r, const char *name, const struct remote_put *p)
{
	uint8_t piece[16384], digest[SHA256_LEN];
	struct fault ignored = FAULT_INIT;
	struct remote_reader *reader = r->ops->reader(r, name, &ignored);
	if (reader == NULL)
		return false;
	struct sha256 *sum = sha256_new();
	ssize_t got;
	while ((got = r->ops->read(reader, piece, sizeof(piece), &ignored)) > 0)
		sha256_add(sum, (struct span){piece, (size_t)got});
	sha256_end(sum, digest);
	r->ops->reader_free(reader);
	return got == 0 && memcmp(digest, p->digest, SHA256_LEN) == 0;
}

int remote_publish(struct vault_remote *r, struct vault_file *f, bool replace, struct fault *reterr)
{
	int rc = r->ops->publish(r, f->put, f, replace, reterr);
	if (rc < 0 && reterr->code == CN_CONFLICT) {
		if (!same_bytes(r, f->name, f->put))
			return fault_why(reterr, CN_STORE_UNAVAILABLE, "name_taken",
				"%s exists with other content", f->name);
		*reterr = FAULT_INIT;
		remote_discard(r, f);
		return 0;
	}
	if (rc < 0)
		return -1;
	f->temp[0] = 0;
	remote_discard(r, f);
	return 0;
}

void remote_discard(struct vault_remote *r, struct vault_file *f)
{
	if (f->put->sum != NULL)
		sha256_end(f->put->sum, f->put->digest);
	r->ops->discard(r, f->put, f->temp);
	f->put = NULL;
	f->temp[0] = 0;
}

int remote_sync(struct vault_remote *r, struct fault *reterr)
{
	r->ops->forget(r);
	if (r->unsettled.code == 0)
		return 0;
	*reterr = r->unsettled;
	r->unsettled = FAULT_INIT;
	return -1;
}

void remote_remove(struct vault_remote *r, const char *name)
{
	struct fault f = FAULT_INIT;
	if (r->ops->remove(r, name, &f) < 0 && r->unsettled.code == 0)
		r->unsettled = f;
}
