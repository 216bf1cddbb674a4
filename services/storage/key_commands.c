// SPDX-License-Identifier: Apache-2.0
/* What an operator does by hand: key files, and a restore of Carnet itself. */
#include "services/storage/key_commands.h"

#include <stdio.h>
#include <string.h>

#include "common/base/base.h"
#include "common/vault/keys.h"
#include "services/storage/keep_dump.h"
#include "services/storage/rebuild.h"

static int said(int rc, const struct fault *f)
{
	if (rc < 0)
		(void)fprintf(stderr, "carnet-storage: %s\n", f->detail);
	return rc < 0 ? 1 : 0;
}

/* The key file of argv[2], opened with the passphrase file at argv[at], if there is one. */
static int read_ring(char **argv, int argc, int at, struct keyring *ring, struct buf *passphrase,
	struct fault *f)
{
	if (passphrase_read(argc > at ? argv[at] : "", passphrase, f) < 0)
		return -1;
	return keyring_read(argv[2], buf_span(passphrase), ring, f);
}

static int make_keys(int argc, char **argv)
{
	struct fault f = FAULT_INIT;
	(void)argc;
	int rc = keys_make(argv[2], argv[3], &f);
	if (rc == 0)
		(void)printf("made %s and %s: keep copies away from the vault\n", argv[2], argv[3]);
	return said(rc, &f);
}

/* When it was lost: nothing that was signed needs it, and storage adds its own to each vault. */
static int make_sign_key(int argc, char **argv)
{
	struct fault f = FAULT_INIT;
	(void)argc;
	return said(key_file_make(argv[2], 32, &f), &f);
}

static int new_key(int argc, char **argv)
{
	struct fault f = FAULT_INIT;
	struct keyring ring;
	struct buf passphrase = BUF_INIT;
	int rc = read_ring(argv, argc, 3, &ring, &passphrase, &f);
	if (rc == 0 && ring.n == KEYRING_MAX)
		rc = fault_set(&f, CN_CONFLICT, "%s has %d keys: retire the old ones first",
			argv[2], KEYRING_MAX);
	if (rc == 0) {
		memmove(ring.kek[1], ring.kek[0], ring.n * KEY_LEN);
		crypto_random(ring.kek[0], KEY_LEN);
		ring.n++;
		rc = keyring_write(argv[2], &ring, buf_span(&passphrase), &f);
	}
	if (rc == 0)
		(void)printf("%s has a new key: keep a copy away from the vault, then start every "
			     "storage again\n",
			argv[2]);
	keyring_wipe(&ring);
	buf_wipe(&passphrase);
	return said(rc, &f);
}

static int protect_key(int argc, char **argv)
{
	struct fault f = FAULT_INIT;
	struct keyring ring;
	struct buf passphrase = BUF_INIT;
	int rc = read_ring(argv, argc, 3, &ring, &passphrase, &f);
	if (rc == 0)
		rc = keyring_write(argv[2], &ring, buf_span(&passphrase), &f);
	if (rc == 0)
		(void)printf("%s opens with the passphrase only: without it nothing can be "
			     "restored\n",
			argv[2]);
	keyring_wipe(&ring);
	buf_wipe(&passphrase);
	return said(rc, &f);
}

/* ---- retire ---- */

struct census {
	const struct vault *vault;
	struct uuid current;
	unsigned long others, damaged;
};

static int count_slot(void *arg, const char *entry)
{
	struct census *c = arg;
	char name[VAULT_NAME_MAX];
	struct buf text = BUF_INIT;
	struct slot slot;
	struct fault f;
	size_t n = strlen(entry);
	if (n < 5 || strcmp(entry + n - 5, ".slot") != 0 || strcmp(entry, "signers.slot") == 0)
		return 0;
	(void)snprintf(name, sizeof(name), "keys/%.100s", entry);
	if (vault_read_small(c->vault, name, SLOT_MAX, &text, &f) < 0 ||
		slot_read(buf_span(&text), &slot) < 0)
		c->damaged++;
	else if (slot.erased_ms == 0 && !uuid_eq(&slot.kek, &c->current))
		c->others++;
	buf_fini(&text);
	return 0;
}

static int check_unused(const char *path, const struct keyring *ring, struct fault *f)
{
	struct vault v;
	struct census c = {.vault = &v};
	kek_id(ring->kek[0], &c.current);
	if (vault_open_medium(&v, path, f) < 0)
		return -1;
	int rc = vault_list(&v, "keys", count_slot, &c, f);
	vault_close(&v);
	if (rc == 0 && c.others + c.damaged > 0)
		rc = fault_set(f, CN_CONFLICT,
			"%s: %lu keys still lie under an older key, %lu cannot be read; other "
			"media "
			"may hold more",
			path, c.others, c.damaged);
	return rc;
}

static int retire_keys(int argc, char **argv)
{
	struct fault f = FAULT_INIT;
	struct keyring ring;
	struct buf passphrase = BUF_INIT;
	int rc = read_ring(argv, argc, 4, &ring, &passphrase, &f);
	if (rc == 0)
		rc = check_unused(argv[3], &ring, &f);
	if (rc == 0) {
		size_t old = ring.n - 1;
		ring.n = 1;
		rc = keyring_write(argv[2], &ring, buf_span(&passphrase), &f);
		if (rc == 0)
			(void)printf(
				"%zu old keys left %s: copies of it still open media that were "
				"away\n",
				old, argv[2]);
	}
	keyring_wipe(&ring);
	buf_wipe(&passphrase);
	return said(rc, &f);
}

int key_command(int argc, char **argv)
{
	static const struct {
		const char *name;
		int least, most; /* words with the program's */
		int (*run)(int argc, char **argv);
		const char *usage;
	} commands[] = {
		{"make-keys", 4, 4, make_keys, "make-keys KEK_FILE SIGN_KEY_FILE"},
		{"make-sign-key", 3, 3, make_sign_key, "make-sign-key SIGN_KEY_FILE"},
		{"new-key", 3, 4, new_key, "new-key KEK_FILE [PASSPHRASE_FILE]"},
		{"protect-key", 4, 4, protect_key, "protect-key KEK_FILE PASSPHRASE_FILE"},
		{"retire-keys", 4, 5, retire_keys, "retire-keys KEK_FILE VAULT [PASSPHRASE_FILE]"},
		{"rebuild-catalogue", 5, 6, rebuild_catalogue,
			"rebuild-catalogue MEDIUM KEK_FILE DATABASE [PASSPHRASE_FILE]"},
		{"keep-dump", 5, 6, keep_dump,
			"keep-dump VAULT KEK_FILE SIGN_KEY_FILE [PASSPHRASE_FILE] < DUMP"},
	};
	for (size_t i = 0; argc > 1 && i < array_len(commands); i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		if (argc >= commands[i].least && argc <= commands[i].most)
			return commands[i].run(argc, argv);
		(void)fprintf(stderr, "usage: carnet-storage %s\n", commands[i].usage);
		return 2;
	}
	return -1;
}
