// SPDX-License-Identifier: Apache-2.0
/* Keys of people who get versions by mail, and opening what they got. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/vault/keyring.h"
#include "common/vault/mailed.h"
#include "gen/errors.h"
#include "services/verify/verify.h"

#define ATTACHMENT_MAX ((size_t)64 * 1024 * 1024)

static int cannot(const char *what, const char *why)
{
	(void)fprintf(stderr, "carnet-verify: %s: %s\n", what, why);
	return VERIFY_CANNOT_OPEN;
}

int mail_key(const char *path)
{
	uint8_t private_key[32], public_key[32];
	struct buf text = BUF_INIT;
	struct fault f = FAULT_INIT;
	if (key_file_make(path, sizeof(private_key), &f) < 0 ||
		key_file_read(path, private_key, sizeof(private_key), &f) < 0)
		return cannot(path, f.detail);
	box_public(private_key, public_key);
	crypto_wipe(private_key, sizeof(private_key));
	base64_encode((struct span){public_key, sizeof(public_key)}, &text);
	(void)printf("%s\n", buf_str(&text));
	buf_fini(&text);
	return VERIFY_GOOD;
}

static int read_all(const char *path, struct buf *out)
{
	uint8_t piece[65536];
	FILE *file = fopen(path, "re");
	size_t n;
	out->max = ATTACHMENT_MAX;
	while (file != NULL && (n = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(out, piece, n);
	bool good = file != NULL && !ferror(file) && !out->err;
	if (file != NULL)
		(void)fclose(file);
	return good ? 0 : -1;
}

static int give(int dir, const char *name, struct span bytes)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool good = fd >= 0 && write_all(fd, bytes) == 0;
	if (fd >= 0 && close(fd) < 0)
		good = false;
	if (good)
		(void)printf("%s\t%zu bytes\n", name, bytes.n);
	return good ? 0 : -1;
}

static int give_all(struct span rest, const char *to)
{
	char name[MAILED_NAME];
	struct span bytes;
	if (mkdir(to, 0700) < 0 && errno != EEXIST)
		return cannot(to, strerror(errno));
	int dir = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return cannot(to, strerror(errno));
	int code = VERIFY_GOOD;
	while (code == VERIFY_GOOD && mailed_next(&rest, name, &bytes))
		if (give(dir, name, bytes) < 0)
			code = cannot(name, strerror(errno));
	(void)close(dir);
	if (code == VERIFY_GOOD && rest.n > 0)
		code = VERIFY_DAMAGED;
	return code;
}

/* The key is in a file, or follows from a password. */
static int find_key(struct span sealed, const char *key_file, const char *password_file,
	uint8_t private_key[static 32], struct fault *reterr)
{
	const uint8_t *kdf = mailed_kdf(sealed);
	struct buf password = BUF_INIT;
	if (kdf == NULL && key_file == NULL)
		return fault_set(reterr, CN_VALIDATION_FAILED, "it needs --key FILE");
	if (kdf == NULL)
		return key_file_read(key_file, private_key, 32, reterr);
	int rc = passphrase_read(password_file == NULL ? "" : password_file, &password, reterr);
	if (rc == 0 && password.n == 0)
		ask_passphrase(&password);
	if (rc == 0 && password.n == 0)
		rc = fault_set(reterr, CN_VALIDATION_FAILED,
			"it is sealed to a password: --passphrase-file FILE, or a terminal");
	if (rc == 0)
		rc = mailed_password_key(buf_span(&password), kdf, private_key, reterr);
	buf_wipe(&password);
	return rc;
}

int mail_open(
	const char *attachment, const char *key_file, const char *password_file, const char *dir)
{
	uint8_t private_key[32];
	char id[UUID_TEXT];
	struct uuid version;
	struct buf sealed = BUF_INIT, files = BUF_INIT;
	struct fault f = FAULT_INIT;
	int code = VERIFY_CANNOT_OPEN;
	if (read_all(attachment, &sealed) < 0)
		code = cannot(attachment, "it cannot be read");
	else if (find_key(buf_span(&sealed), key_file, password_file, private_key, &f) < 0 ||
		 mailed_open(private_key, buf_span(&sealed), &version, &files, &f) < 0)
		code = cannot(attachment, f.detail);
	else
		code = give_all(buf_span(&files), dir);
	if (code == VERIFY_GOOD)
		(void)printf("version %s\n", uuid_format(&version, id));
	crypto_wipe(private_key, sizeof(private_key));
	buf_wipe(&files);
	buf_fini(&sealed);
	return code;
}
