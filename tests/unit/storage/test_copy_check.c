// SPDX-License-Identifier: Apache-2.0
/* scrub_flip10k (ST-72): a copy is made in a vault; then every flipped bit, every cut and every
 * missing file of it is found. FLIPS=n for more or fewer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock/clock.h"
#include "services/storage/copy_check.h"

#define FILES 5

static char dir[64];
static struct copied copy;
static struct stored_item items[2];
static char files[FILES][VAULT_NAME_MAX];
static uint64_t seed = 20261121;

static unsigned below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

static void path_of(unsigned file, char out[static 300])
{
	(void)snprintf(out, 300, "%s/vault/%.190s", dir, files[file]);
}

/* ---- a copy ---- */

static int write_object(void *arg, struct span bytes, struct fault *reterr)
{
	return vault_write(arg, bytes, reterr);
}

static void make_object(unsigned no, const char *text, const uint8_t *dek, struct manifest_item *m)
{
	struct fault f = FAULT_INIT;
	struct stored_item *i = &items[no];
	struct vault_file file;
	uint8_t key[KEY_LEN];
	struct spool *plain = spool_new(app.vault.tmp, 65536);
	assert_int_equal(
		spool_add(plain, (struct span){(const uint8_t *)text, strlen(text)}, &f), 0);
	i->ref = (struct object_ref){.tenant = app.tenant,
		.kind = OBJECT_OPAQUE,
		.incarnation = 1000 + no,
		.plain_len = strlen(text)};
	assert_int_equal(
		object_oid(keys_dedup(&app.keys), OBJECT_OPAQUE, plain, i->ref.oid, &f), 0);
	vault_object_name(files[no], i->ref.oid, i->ref.incarnation);
	crypto_random(key, sizeof(key));
	assert_int_equal(vault_create(&app.vault, files[no], &file, &f), 0);
	const struct object_sink sink = {write_object, &file, app.vault.tmp};
	assert_int_equal(object_seal(&i->ref, key, plain, &sink, &i->sealed, &f), 0);
	assert_int_equal(vault_finish(&file, &f), 0);
	assert_int_equal(vault_publish(&app.vault, &file, &f), 0);
	spool_free(plain);
	*m = (struct manifest_item){.no = no,
		.role = MANIFEST_NATIVE,
		.kind = OBJECT_OPAQUE,
		.incarnation = i->ref.incarnation,
		.plain_len = i->ref.plain_len,
		.sealed = i->sealed,
		.key_n = WRAPPED_LEN};
	(void)snprintf(m->name, sizeof(m->name), "item_%u", no);
	memcpy(m->oid, i->ref.oid, OID_LEN);
	const struct item_place place = {&copy.version, no, i->ref.oid};
	keys_wrap_item(dek, &place, key, m->key);
}

static void put(unsigned file, struct span text)
{
	struct vault_file f;
	struct fault why = FAULT_INIT;
	assert_int_equal(vault_create_with(&app.vault, files[file], text, &f, &why), 0);
	assert_int_equal(vault_publish(&app.vault, &f, &why), 0);
}

static void make_copy(void)
{
	struct manifest_item m_items[2];
	struct manifest m = {.tenant = app.tenant,
		.generation = 1,
		.token = 1,
		.made_ms = 1,
		.verified_ms = 2,
		.writer = "test",
		.min_reader = 1,
		.items = m_items,
		.items_n = 2};
	uint8_t dek[KEY_LEN], wrapped[WRAPPED_LEN], signature[SIGNATURE];
	struct buf text = BUF_INIT;
	copy = (struct copied){.version = uuid_v7(1),
		.device = uuid_v7(2),
		.generation = 1,
		.kind = "settings",
		.items = items,
		.n = 2};
	crypto_random(dek, sizeof(dek));
	make_object(0, "the first content", dek, &m_items[0]);
	make_object(1, "the second content, a little longer than the other one", dek, &m_items[1]);
	m.version = copy.version;
	m.device = copy.device;
	m.run = m.request = uuid_v7(3);
	(void)snprintf(m.kind, sizeof(m.kind), "settings");
	manifest_write(&m, &text);
	manifest_digest(buf_span(&text), copy.digest);
	manifest_sign(keys_sign_seed(&app.keys), buf_span(&text), signature);
	vault_manifest_name(files[2], &copy.device, "settings", 1, &copy.version, "json");
	vault_manifest_name(files[3], &copy.device, "settings", 1, &copy.version, "sig");
	vault_slot_name(files[4], &copy.version);
	put(2, buf_span(&text));
	put(3, (struct span){signature, SIGNATURE});
	buf_reset(&text);
	keys_wrap_dek(&app.keys, &copy.version, dek, wrapped);
	keys_slot_write(&app.keys, &copy.version, wrapped, &text);
	put(4, buf_span(&text));
	buf_fini(&text);
}

/* ---- looking at it ---- */

static int check(struct fault *f)
{
	uint64_t bytes = 0;
	*f = FAULT_INIT;
	return copy_check(&app.vault, &copy, NULL, &bytes, f);
}

static void a_copy_as_it_was_written_is_good(void **state)
{
	struct fault f;
	struct seen seen = {.n = 0};
	uint64_t first = 0, then = 0;
	(void)state;
	if (check(&f) < 0)
		print_error("%s\n", f.detail);
	assert_int_equal(f.code, 0);
	/* contents are read once a pass, the papers of each version always */
	assert_int_equal(copy_check(&app.vault, &copy, &seen, &first, &f), 0);
	assert_int_equal(copy_check(&app.vault, &copy, &seen, &then, &f), 0);
	assert_int_equal(first - then, items[0].sealed.stored_len + items[1].sealed.stored_len);
	seen_forget(&seen);
}

static void every_flipped_bit_is_found_st_72(void **state)
{
	const char *given = getenv("FLIPS");
	unsigned flips = given == NULL ? 1000 : (unsigned)strtoul(given, NULL, 10);
	char path[300];
	(void)state;
	for (unsigned i = 0; i < flips; i++) {
		unsigned file = below(FILES);
		struct stat st;
		struct fault f;
		uint8_t byte;
		path_of(file, path);
		FILE *p = fopen(path, "r+be");
		assert_non_null(p);
		assert_int_equal(fstat(fileno(p), &st), 0);
		long at = (long)below((unsigned)st.st_size);
		uint8_t flip = (uint8_t)(1u << below(8));
		assert_int_equal(fseek(p, at, SEEK_SET), 0);
		assert_int_equal(fread(&byte, 1, 1, p), 1);
		for (int back = 0; back < 2; back++) {
			byte ^= flip;
			assert_int_equal(fseek(p, at, SEEK_SET), 0);
			assert_int_equal(fwrite(&byte, 1, 1, p), 1);
			assert_int_equal(fflush(p), 0);
			if (back == 0 && check(&f) == 0)
				print_error("flip %u: %s byte %ld\n", i, files[file], at);
			if (back == 0)
				assert_int_equal(f.code, CN_STORE_VERIFY_FAILED);
		}
		(void)fclose(p);
	}
	struct fault f;
	assert_int_equal(check(&f), 0);
}

static void every_missing_or_cut_file_is_found(void **state)
{
	char path[300], away[310];
	(void)state;
	for (unsigned file = 0; file < FILES; file++) {
		struct fault f;
		path_of(file, path);
		(void)snprintf(away, sizeof(away), "%s.away", path);
		assert_int_equal(rename(path, away), 0);
		assert_int_equal(check(&f), -1);
		assert_int_equal(f.code, CN_NOT_FOUND);
		FILE *p = fopen(path, "we"); /* empty */
		assert_non_null(p);
		(void)fclose(p);
		assert_int_equal(check(&f), -1);
		assert_int_equal(f.code, CN_STORE_VERIFY_FAILED);
		assert_int_equal(rename(away, path), 0);
	}
	struct fault f;
	assert_int_equal(check(&f), 0);
}

static int setup(void **state)
{
	char kek[128], sign[128], vault[128];
	static const struct uuid any;
	struct fault f = FAULT_INIT;
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/carnet-copy.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(kek, sizeof(kek), "%s/kek", dir);
	(void)snprintf(sign, sizeof(sign), "%s/sign", dir);
	(void)snprintf(vault, sizeof(vault), "%s/vault", dir);
	app.tenant = uuid_v7(1);
	const struct key_files keys = {kek, "", sign};
	if (keys_make(kek, sign, &f) < 0 || vault_make(vault, &app.tenant, &f) < 0 ||
		vault_open(&app.vault, vault, "main", &app.tenant, &any, &f) < 0 ||
		keys_load(&app.keys, &app.vault, &keys, &f) < 0) {
		print_error("%s\n", f.detail);
		return -1;
	}
	make_copy();
	/* files are written once, 0400: here they are damaged on purpose */
	for (unsigned i = 0; i < FILES; i++) {
		char path[300];
		path_of(i, path);
		if (chmod(path, 0600) < 0)
			return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	char command[128];
	(void)state;
	keys_fini(&app.keys);
	vault_close(&app.vault);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_as_it_was_written_is_good),
		cmocka_unit_test(every_flipped_bit_is_found_st_72),
		cmocka_unit_test(every_missing_or_cut_file_is_found),
	};
	return cmocka_run_group_tests_name("a copy is read again", tests, setup, teardown);
}
