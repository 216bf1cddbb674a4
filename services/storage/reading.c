// SPDX-License-Identifier: Apache-2.0
/* From a row of the catalogue to plaintext. */
#include "services/storage/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void stored_item_read(struct db_result *r, int row, struct stored_item *ret)
{
	struct sql_item i;
	sql_item_read(r, row, &i);
	*ret = (struct stored_item){.version = i.object.version,
		.kek = i.object.kek,
		.no = i.object.item_no,
		.has_key = i.object.has_key,
		.native = strcmp(i.role, "native") == 0,
		.ref = {.tenant = app.tenant,
			.kind = (enum object_kind)object_kind_parse(i.kind),
			.incarnation = i.object.incarnation,
			.plain_len = i.object.plain_len}};
	(void)snprintf(ret->name, sizeof(ret->name), "%s", i.name);
	ret->sealed.stored_len = i.object.stored_len;
	if (!i.object.has_key)
		return;
	memcpy(ret->ref.oid, i.object.oid.p, OID_LEN);
	memcpy(ret->sealed.cipher, i.object.cipher.p, SHA256_LEN);
	memcpy(ret->wrapped_key, i.object.wrapped_key.p, WRAPPED_LEN);
	memcpy(ret->wrapped_dek, i.object.wrapped_dek.p, WRAPPED_LEN);
}

struct stored_reader {
	struct vault_reader *file;
	struct object_reader *object;
	struct object_sealed want;
};

static int open_key(const struct stored_item *i, uint8_t key[static KEY_LEN], struct fault *reterr)
{
	uint8_t dek[KEY_LEN];
	const struct item_place place = {&i->version, i->no, i->ref.oid};
	if (!i->has_key)
		return fault_why(reterr, CN_NOT_FOUND, "erased", "the version's key was erased");
	if (keys_open_dek(&app.keys, &i->version, &i->kek,
		    (struct span){i->wrapped_dek, WRAPPED_LEN}, dek, reterr) < 0)
		return -1;
	int rc = keys_open_item(
		dek, &place, (struct span){i->wrapped_key, WRAPPED_LEN}, key, reterr);
	crypto_wipe(dek, sizeof(dek));
	return rc;
}

struct stored_reader *stored_open(const struct stored_item *i, struct fault *reterr)
{
	uint8_t key[KEY_LEN];
	char name[VAULT_NAME_MAX];
	if (open_key(i, key, reterr) < 0)
		return NULL;
	vault_object_name(name, i->ref.oid, i->ref.incarnation);
	struct vault_reader *file = vault_reader_new(&app.vault, name, reterr);
	if (file == NULL) {
		if (reterr->code == CN_NOT_FOUND)
			(void)fault_why(reterr, CN_STORE_VERIFY_FAILED, "missing",
				"the object is not in the vault");
		crypto_wipe(key, sizeof(key));
		return NULL;
	}
	struct stored_reader *r = mem_alloc(sizeof(*r));
	r->file = file;
	r->want = i->sealed;
	r->object = object_reader_new(&i->ref, key, keys_dedup(&app.keys), vault_reader_read, file);
	crypto_wipe(key, sizeof(key));
	return r;
}

int stored_next(struct stored_reader *r, struct span *ret_piece, struct fault *reterr)
{
	return object_next(r->object, ret_piece, reterr);
}

bool stored_same(const struct stored_reader *r)
{
	const struct object_sealed *got = object_reader_sealed(r->object);
	return got->stored_len == r->want.stored_len &&
	       memcmp(got->cipher, r->want.cipher, SHA256_LEN) == 0;
}

void stored_close(struct stored_reader *r)
{
	if (r == NULL)
		return;
	object_reader_free(r->object);
	vault_reader_free(r->file);
	free(r);
}
