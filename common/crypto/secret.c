// SPDX-License-Identifier: Apache-2.0
/* Secrets in memory (security.md SE-34): own pages, locked, not dumped, gone in a child. */
#include "common/crypto/crypto.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct secret {
	size_t mapped; /* bytes of the mapping this struct begins */
	size_t n;      /* bytes of the secret */
	uint8_t bytes[];
};

struct secret *secret_new(struct span bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t mapped = (sizeof(struct secret) + bytes.n + 1 + page - 1) / page * page;
	struct secret *s =
		mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bug_if(s == MAP_FAILED);
	/* best effort: RLIMIT_MEMLOCK is small in containers */
	(void)mlock(s, mapped);
	(void)madvise(s, mapped, MADV_DONTDUMP);
	(void)madvise(s, mapped, MADV_WIPEONFORK);
	s->mapped = mapped;
	s->n = bytes.n;
	if (bytes.n > 0)
		memcpy(s->bytes, bytes.p, bytes.n);
	s->bytes[bytes.n] = 0;
	return s;
}

void secret_free(struct secret *s)
{
	if (s == NULL)
		return;
	size_t mapped = s->mapped;
	crypto_wipe(s, mapped);
	munmap(s, mapped);
}

struct span secret_bytes(const struct secret *s)
{
	return (struct span){s->bytes, s->n};
}

const char *secret_text(const struct secret *s)
{
	return (const char *)s->bytes;
}
