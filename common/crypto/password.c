// SPDX-License-Identifier: Apache-2.0
/* Passwords of people: Argon2id, encoded text, parameters bounded when read (storage.md ST-32). */
#include "common/crypto/crypto.h"

#include <argon2.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
	MEMORY_KIB = 64 * 1024,
	PASSES = 3,
	LANES = 1,
	SALT = 16,
	HASH = 32,
	TEXT_MAX = 512,
	FLOOR_KIB = 19 * 1024,
	FLOOR_PASSES = 2,
	CEILING_KIB = 1024 * 1024,
	CEILING_PASSES = 10,
	AT_ONCE = 2, /* derivations per process: memory is the cost */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t freed = PTHREAD_COND_INITIALIZER;
static int running;

static void enter(void)
{
	pthread_mutex_lock(&mutex);
	while (running >= AT_ONCE)
		pthread_cond_wait(&freed, &mutex);
	running++;
	pthread_mutex_unlock(&mutex);
}

static void leave(void)
{
	pthread_mutex_lock(&mutex);
	running--;
	pthread_cond_signal(&freed);
	pthread_mutex_unlock(&mutex);
}

/* What is hashed: the password keyed with the pepper, so that a stolen table alone is no use. */
static void peppered(struct span password, struct span pepper, uint8_t out[static SHA256_LEN])
{
	hmac_sha256(pepper, &password, 1, out);
}

int password_hash(struct span password, struct span pepper, char *ret_text, size_t size)
{
	uint8_t salt[SALT], input[SHA256_LEN];
	char text[TEXT_MAX];
	crypto_random(salt, sizeof(salt));
	peppered(password, pepper, input);
	enter();
	int rc = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, input, sizeof(input), salt,
		sizeof(salt), HASH, text, sizeof(text));
	leave();
	crypto_wipe(input, sizeof(input));
	if (rc != ARGON2_OK || strlen(text) >= size)
		return -1;
	memcpy(ret_text, text, strlen(text) + 1);
	return 0;
}

/* A text from outside must not choose how much memory we burn, nor be weaker than the floor. */
static bool bounded(const char *text)
{
	unsigned version = 0, kib = 0, passes = 0, lanes = 0;
	return strlen(text) < TEXT_MAX &&
	       sscanf(text, "$argon2id$v=%u$m=%u,t=%u,p=%u$", &version, &kib, &passes, &lanes) ==
		       4 &&
	       version == ARGON2_VERSION_13 && kib >= FLOOR_KIB && kib <= CEILING_KIB &&
	       passes >= FLOOR_PASSES && passes <= CEILING_PASSES && lanes >= 1 && lanes <= 4;
}

bool password_good(struct span password, struct span pepper, const char *text)
{
	uint8_t input[SHA256_LEN];
	if (text == NULL || !bounded(text))
		return false;
	peppered(password, pepper, input);
	enter();
	int rc = argon2id_verify(text, input, sizeof(input));
	leave();
	crypto_wipe(input, sizeof(input));
	return rc == ARGON2_OK;
}
