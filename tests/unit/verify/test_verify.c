// SPDX-License-Identifier: Apache-2.0
/* Whatever is changed on a medium is found (docs/spec/storage.md ST-38, ST-41 … ST-45): every bit,
 * every removal, every exchange of two files, every file put back to an older one. Flips are drawn
 * from a seed; VERIFY_FLIPS says how many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/verify/seen.h"
#include "services/verify/verify.h"
#include "tests/unit/verify/medium.h"

static struct medium medium;
static char older[96]; /* the same medium on an earlier day */
static struct made chains[3], erased;
static struct files all;

/* ---- the medium ---- */

static void make_medium(void)
{
	medium_open(&medium);
	for (unsigned i = 0; i < 3; i++)
		chains[i] = (struct made){.device = {{(uint8_t)(i / 2 + 1)}},
			.kind = i == 1 ? "settings" : "address_book"};
	medium_version(&medium, &chains[0], "first of A", "shared by all");
	erased = chains[0];
	medium_version(&medium, &chains[0], "second of A", "shared by all");
	medium_version(&medium, &chains[1], "settings of A", "");
	medium_version(&medium, &chains[2], "first of B", "shared by all");
	medium_passport(&medium, chains, 3, 0);
	(void)snprintf(older, sizeof(older), "%s/older", medium.dir);
	shell("cp -a %s %s", medium.path, older);
	/* another day: new versions, one erased, another key and another who signs */
	struct keyring ring, two;
	struct fault f;
	struct span none = {NULL, 0};
	must(keyring_read(medium.kek, none, &ring, &f), &f);
	two = (struct keyring){.n = 2};
	crypto_random(two.kek[0], KEY_LEN);
	memcpy(two.kek[1], ring.kek[0], KEY_LEN);
	must(keyring_write(medium.kek, &two, none, &f), &f);
	assert_int_equal(unlink(medium.sign), 0);
	must(key_file_make(medium.sign, 32, &f), &f);
	keys_fini(&medium.keys);
	medium_keys(&medium);
	must(keys_rewrap_root(&medium.keys, &medium.vault, &f), &f);
}

/* Slots of the earlier day under the newer key, as rotation does it. */
static void rewrap(const struct uuid *version)
{
	char name[VAULT_NAME_MAX];
	uint8_t dek[KEY_LEN];
	struct buf text = BUF_INIT;
	struct slot slot;
	struct fault f;
	vault_slot_name(name, version);
	must(vault_read_small(&medium.vault, name, SLOT_MAX, &text, &f), &f);
	assert_int_equal(slot_read(buf_span(&text), &slot), 0);
	must(keys_open_dek(&medium.keys, version, &slot.kek,
		     (struct span){slot.wrapped, WRAPPED_LEN}, dek, &f),
		&f);
	medium_slot(&medium, version, dek);
	buf_fini(&text);
}

/* What only the erased version held: collected. */
static void collect(const char *text)
{
	char name[VAULT_NAME_MAX];
	struct manifest_item i = {.kind = OBJECT_OPAQUE};
	uint8_t key[KEY_LEN];
	medium_object(&medium, text, &i, key);
	vault_object_name(name, i.oid, i.incarnation);
	vault_remove(&medium.vault, name);
}

static void another_day(void)
{
	for (unsigned i = 0; i < 3; i++)
		rewrap(&chains[i].version);
	medium_version(&medium, &chains[0], "third of A", "shared by all");
	medium_version(&medium, &chains[2], "second of B", "not shared");
	medium_erase(&medium, &erased);
	collect("first of A");
	medium_passport(&medium, chains, 3, 1);
	medium_version(&medium, &chains[2], "after the newest passport", "not shared");
	files_read(medium.path, &all);
}

/* ---- verifying ---- */

struct asked {
	bool no_key, quick, print;
	uint64_t serial;
	const struct keyring *ring;
	char said[600]; /* paths of findings that are more than notes */
};

static void note(void *arg, const struct finding *f)
{
	struct asked *a = arg;
	if (f->severity == FINDING_NOTE)
		return;
	if (a->print)
		print_error("%d %s: %s\n", (int)f->severity, f->path, f->what);
	size_t n = strlen(a->said);
	(void)snprintf(a->said + n, sizeof(a->said) - n, "%.100s ", f->path);
}

static int verify(struct asked *a)
{
	static struct verify v;
	struct fault f = FAULT_INIT;
	struct span none = {NULL, 0};
	v = (struct verify){.quick = a->quick, .serial = a->serial, .report = note, .arg = a};
	a->said[0] = 0;
	if (a->ring != NULL)
		v.ring = *a->ring;
	else if (!a->no_key)
		must(keyring_read(medium.kek, none, &v.ring, &f), &f);
	int code = vault_open_medium(&v.medium, medium.path, &f) < 0 ? VERIFY_CANNOT_OPEN
								     : verify_medium(&v);
	verify_fini(&v);
	return code;
}

static void good(void)
{
	struct asked a = {.print = true};
	assert_int_equal(verify(&a), VERIFY_GOOD);
}

/* Found, and its place is said. */
static bool finds(const char *name)
{
	struct asked a = {.quick = false};
	int code = verify(&a);
	if (code == VERIFY_GOOD)
		print_error("not found: %s\n", name);
	/* a marker that cannot be read makes it no medium at all */
	bool marker = strstr(name, VAULT_MARKER) != NULL;
	if (!marker && a.said[0] == 0)
		print_error("found, but not said where: %s\n", name);
	return code != VERIFY_GOOD && (marker || a.said[0] != 0);
}

/* ---- tests ---- */

static void a_whole_medium_is_good_with_and_without_the_key(void **state)
{
	(void)state;
	good();
	struct asked a = {.no_key = true, .print = true};
	assert_int_equal(verify(&a), VERIFY_GOOD);
	a = (struct asked){.quick = true, .print = true};
	assert_int_equal(verify(&a), VERIFY_GOOD);
}

static uint64_t dice = 88172645463325252;

static size_t roll(size_t n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (size_t)(dice % n);
}

static void every_flipped_bit_is_found(void **state)
{
	(void)state;
	const char *wish = getenv("VERIFY_FLIPS");
	long flips = wish == NULL ? 300 : strtol(wish, NULL, 10);
	for (long i = 0; i < flips; i++) {
		const char *name = all.names[(size_t)i % all.n];
		long at = (long)roll((size_t)file_size(medium.path, name));
		unsigned bit = (unsigned)roll(8);
		file_flip(medium.path, name, at, bit);
		bool found_it = finds(name);
		if (!found_it)
			print_error("byte %ld bit %u\n", at, bit);
		file_flip(medium.path, name, at, bit);
		assert_true(found_it);
	}
	good();
}

static void without_the_key_every_flip_in_contents_and_chains_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < all.n; i++) {
		const char *name = all.names[i];
		if (strstr(name, "/keys/") != NULL)
			continue;
		long at = (long)roll((size_t)file_size(medium.path, name));
		file_flip(medium.path, name, at, 3);
		struct asked a = {.no_key = true};
		int code = verify(&a);
		file_flip(medium.path, name, at, 3);
		if (code == VERIFY_GOOD)
			print_error("%s byte %ld\n", name, at);
		assert_int_not_equal(code, VERIFY_GOOD);
	}
}

static void every_removed_file_is_missed(void **state)
{
	(void)state;
	for (size_t i = 0; i < all.n; i++) {
		bool erased_slot = false;
		char away[200], id[UUID_TEXT];
		(void)snprintf(away, sizeof(away), "%s/away", medium.dir);
		assert_int_equal(rename(file_path(medium.path, all.names[i]), away), 0);
		/* what says that a key is gone may be gone, too: the tombstone says it */
		erased_slot = strstr(all.names[i], ".slot") != NULL &&
			      strstr(all.names[i], uuid_format(&erased.version, id)) != NULL;
		bool found_it = erased_slot || finds(all.names[i]);
		assert_int_equal(rename(away, file_path(medium.path, all.names[i])), 0);
		assert_true(found_it);
	}
	good();
}

static void every_exchange_of_two_files_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < all.n; i++)
		for (size_t j = i + 1; j < all.n; j++) {
			char other[300];
			if ((i + j) % 8 != 0 &&
				strcmp(strrchr(all.names[i], '.'), strrchr(all.names[j], '.')) != 0)
				continue; /* of unlike files an eighth */
			(void)snprintf(other, sizeof(other), "%s/%s", medium.path, all.names[j]);
			const char *one = file_path(medium.path, all.names[i]);
			assert_int_equal(
				renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE), 0);
			bool found_it = finds(all.names[i]);
			if (!found_it)
				print_error("with %s\n", other);
			one = file_path(medium.path, all.names[i]);
			assert_int_equal(
				renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE), 0);
			assert_true(found_it);
		}
	good();
}

static void every_file_put_back_to_an_older_one_is_found(void **state)
{
	(void)state;
	struct files before;
	unsigned tried = 0;
	files_read(older, &before);
	for (size_t i = 0; i < before.n; i++) {
		char old[300], away[200];
		const char *name = before.names[i];
		(void)snprintf(old, sizeof(old), "%s/%s", older, name);
		(void)snprintf(away, sizeof(away), "%s/away", medium.dir);
		char compare[700];
		(void)snprintf(compare, sizeof(compare), "cmp -s %s %s", old,
			file_path(medium.path, name));
		if (access(file_path(medium.path, name), F_OK) != 0 || system(compare) == 0)
			continue;
		tried++;
		(void)snprintf(away, sizeof(away), "%s/away", medium.dir);
		assert_int_equal(rename(file_path(medium.path, name), away), 0);
		shell("cp -a %s %s", old, file_path(medium.path, name));
		bool found_it = finds(name);
		assert_int_equal(rename(away, file_path(medium.path, name)), 0);
		assert_true(found_it);
	}
	assert_true(tried >= 5); /* slots, root, signers */
	good();
}

static void every_cut_and_every_longer_file_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < all.n; i++) {
		const char *name = all.names[i];
		long size = file_size(medium.path, name);
		shell("cp -a %s/%s %s/away", medium.path, name, medium.dir);
		assert_int_equal(
			truncate(file_path(medium.path, name), (long)roll((size_t)size)), 0);
		bool cut = finds(name);
		shell("cp -a %s/away %s/%s; printf x >> %s/%s", medium.dir, medium.path, name,
			medium.path, name);
		bool longer = finds(name);
		shell("cp -a %s/away %s/%s; rm -f %s/away", medium.dir, medium.path, name,
			medium.dir);
		assert_true(cut && longer);
	}
	good();
}

/* All files of a version away at once. */
static int without_version(const struct made *c, uint64_t serial)
{
	char id[UUID_TEXT];
	uuid_format(&c->version, id);
	shell("mkdir %s/away && cd %s && find . -name '*%s*' -exec cp -a --parents {} %s/away ';' "
	      "-delete",
		medium.dir, medium.path, id, medium.dir);
	struct asked a = {.serial = serial};
	int code = verify(&a);
	shell("cp -a %s/away/. %s/ && rm -r %s/away", medium.dir, medium.path, medium.dir);
	return code;
}

static void a_version_that_is_gone_as_a_whole_is_missed_st_38(void **state)
{
	(void)state;
	/* the newest that the passport knows: nothing but the passport can tell */
	assert_int_equal(without_version(&chains[0], 0), VERIFY_INCOMPLETE);
	/* in the middle: the chain */
	assert_int_equal(without_version(&erased, 0), VERIFY_DAMAGED);
	good();
}

static void a_medium_put_back_as_a_whole_is_seen_by_the_serial_number(void **state)
{
	(void)state;
	struct asked a = {.serial = medium.serial};
	assert_int_equal(verify(&a), VERIFY_GOOD);
	a.serial++;
	assert_int_equal(verify(&a), VERIFY_INCOMPLETE);
}

static void a_wrong_key_and_no_medium_cannot_be_opened_st_44(void **state)
{
	(void)state;
	struct keyring other = {.n = 1};
	struct asked a = {.ring = &other};
	crypto_random(other.kek[0], KEY_LEN);
	assert_int_equal(verify(&a), VERIFY_CANNOT_OPEN);
	char marker[200], away[200];
	(void)snprintf(away, sizeof(away), "%s/away", medium.dir);
	(void)snprintf(marker, sizeof(marker), "%s/" VAULT_MARKER, medium.path);
	assert_int_equal(rename(marker, away), 0);
	a.ring = NULL;
	assert_int_equal(verify(&a), VERIFY_CANNOT_OPEN);
	assert_int_equal(rename(away, marker), 0);
}

static void whoever_has_no_key_cannot_add_a_signer(void **state)
{
	(void)state;
	struct signers forged = {.tenant = medium.keys.tenant, .n = 1};
	uint8_t root[KEY_LEN] = {0}, seed[32] = {5};
	struct buf text = BUF_INIT;
	const char *name = "keys/signers.slot";
	sign_public(seed, forged.keys[0]);
	signers_write(&forged, root, &text);
	shell("cp -a %s/%s %s/away", medium.path, name, medium.dir);
	medium_put(&medium, name, buf_span(&text));
	bool found_it = finds(name);
	shell("rm -f %s/%s; mv %s/away %s/%s", medium.path, name, medium.dir, medium.path, name);
	assert_true(found_it);
	buf_fini(&text);
	good();
}

static void a_version_is_given_back_without_any_service_st_45(void **state)
{
	(void)state;
	static struct verify v;
	struct fault f = FAULT_INIT;
	struct span none = {NULL, 0};
	char out[200];
	v = (struct verify){.device = chains[0].device};
	must(keyring_read(medium.kek, none, &v.ring, &f), &f);
	must(vault_open_medium(&v.medium, medium.path, &f), &f);
	(void)snprintf(out, sizeof(out), "%s/out", medium.dir);
	assert_int_equal(extract(&v, "", 2, out), VERIFY_GOOD);
	shell("[ \"$(cat %s/item_0)\" = 'second of A' ] && [ \"$(cat %s/item_1)\" = 'shared by "
	      "all' ]",
		out, out);
	verify_fini(&v);
	/* the erased one is gone for ever */
	v = (struct verify){.device = chains[0].device};
	must(keyring_read(medium.kek, none, &v.ring, &f), &f);
	must(vault_open_medium(&v.medium, medium.path, &f), &f);
	assert_int_not_equal(extract(&v, "", 1, out), VERIFY_GOOD);
	verify_fini(&v);
}

static void what_was_seen_is_found_again_among_many(void **state)
{
	(void)state;
	struct seen *s = seen_new();
	for (unsigned i = 0; i < 20000; i++) {
		struct seen_object o = {.good = i % 2 == 0};
		sha256((struct span){(const uint8_t *)&i, sizeof(i)}, (uint8_t[SHA256_LEN]){0});
		uint8_t digest[SHA256_LEN];
		sha256((struct span){(const uint8_t *)&i, sizeof(i)}, digest);
		seen_id(digest, 3, o.id);
		assert_null(seen_find(s, o.id));
		seen_add(s, &o);
		assert_int_equal(seen_find(s, o.id)->good, i % 2 == 0);
	}
	seen_free(s);
}

static int setup(void **state)
{
	(void)state;
	make_medium();
	another_day();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	medium_close(&medium);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_medium_is_good_with_and_without_the_key),
		cmocka_unit_test(every_flipped_bit_is_found),
		cmocka_unit_test(without_the_key_every_flip_in_contents_and_chains_is_found),
		cmocka_unit_test(every_removed_file_is_missed),
		cmocka_unit_test(every_exchange_of_two_files_is_found),
		cmocka_unit_test(every_file_put_back_to_an_older_one_is_found),
		cmocka_unit_test(every_cut_and_every_longer_file_is_found),
		cmocka_unit_test(a_version_that_is_gone_as_a_whole_is_missed_st_38),
		cmocka_unit_test(a_medium_put_back_as_a_whole_is_seen_by_the_serial_number),
		cmocka_unit_test(a_wrong_key_and_no_medium_cannot_be_opened_st_44),
		cmocka_unit_test(whoever_has_no_key_cannot_add_a_signer),
		cmocka_unit_test(a_version_is_given_back_without_any_service_st_45),
		cmocka_unit_test(what_was_seen_is_found_again_among_many),
	};
	return cmocka_run_group_tests_name("verify", tests, setup, teardown);
}
