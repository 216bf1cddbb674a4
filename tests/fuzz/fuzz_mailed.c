// SPDX-License-Identifier: Apache-2.0
/* An attachment, any bytes: it does not open, or what opens is files with plain names that lie in
 * it one after another. What is sealed to us opens whatever its content is. */
#include <string.h>

#include "common/vault/mailed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const uint8_t private_key[32] = {8, 1, 2, 3, 4, 5, 6, 7};
static const struct uuid version = {{1, 2, 3}};

/* Who seals may be anybody. */
static void files_of(struct span files)
{
	struct span rest = files, bytes;
	char name[MAILED_NAME];
	struct buf again = BUF_INIT;
	while (mailed_next(&rest, name, &bytes)) {
		bug_if(name[0] == 0 || name[0] == '.' || strchr(name, '/') != NULL);
		bug_if(bytes.p < files.p || bytes.n > (size_t)(files.p + files.n - bytes.p));
		mailed_add(&again, name, bytes);
	}
	bug_if(again.n + rest.n != files.n);
	bug_if(again.n > 0 && memcmp(again.p, files.p, again.n) != 0);
	buf_fini(&again);
}

static void open_any(struct span sealed)
{
	struct buf files = BUF_INIT;
	struct uuid id;
	struct fault f = FAULT_INIT;
	const uint8_t *kdf = mailed_kdf(sealed);
	bug_if(kdf != NULL && (kdf < sealed.p || kdf + MAILED_KDF > sealed.p + sealed.n));
	if (mailed_open(private_key, sealed, &id, &files, &f) == 0)
		files_of(buf_span(&files));
	else
		bug_if(f.code == 0 || files.n > 0);
	buf_fini(&files);
}

static void seal_and_open(struct span content)
{
	uint8_t public_key[32];
	const uint8_t kdf[MAILED_KDF] = {17, 8, 1};
	struct buf sealed = BUF_INIT, files = BUF_INIT;
	struct uuid id;
	struct fault f = FAULT_INIT;
	box_public(private_key, public_key);
	mailed_seal(public_key, content.n % 2 == 0 ? NULL : kdf, &version, content, &sealed);
	bug_if(mailed_open(private_key, buf_span(&sealed), &id, &files, &f) < 0);
	bug_if(files.n != content.n || !uuid_eq(&id, &version));
	buf_fini(&sealed);
	buf_fini(&files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct span input = {data, n};
	open_any(input);
	files_of(input);
	seal_and_open(input);
	return 0;
}
