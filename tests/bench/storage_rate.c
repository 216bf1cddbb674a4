// SPDX-License-Identifier: Apache-2.0
/* Storage in figures: sealing beside the same library calls in a bare loop, an unchanged book
 * beside a changed one, and versions per second through the service. Run by storage.sh.
 *     storage_rate seal FILE      BYTES SEALED: one book through object_oid + object_seal or bare
 *     storage_rate service N      N devices, each a book of 11 lists, through one process */
#include <zstd.h>

#include "common/vault/object.h"
#include "tests/service/storage_client.h"

#define BOOK ((size_t)100 * 1024)
#define ROUNDS 400

static const uint8_t dedup[KEY_LEN] = {1};

/* A Canon list of about BOOK bytes. */
static size_t make_book(char *out, size_t cap, unsigned seed)
{
	size_t n = (size_t)snprintf(
		out, cap, "# Canon AddressBook version: 1\r\n# CharSet: WCP1252\r\n\r\n");
	for (unsigned i = 0; n + 300 < cap; i++) {
		seed = seed * 1103515245 + 12345;
		n += (size_t)snprintf(out + n, cap - n,
			"dn: %u\r\ncn: Person %u %x\r\nmailaddress: p%x@example.org\r\n"
			"objectclass: email\r\n\r\n",
			200 + i, i, seed >> 8, seed >> 4);
	}
	return n;
}

static int drop(void *arg, struct span bytes, struct fault *reterr)
{
	(void)reterr;
	*(uint64_t *)arg += bytes.n;
	return 0;
}

static double ours(struct span book, bool unchanged)
{
	uint64_t total = 0, start = clock_mono_ns();
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct fault f;
		struct object_sealed sealed;
		uint8_t key[KEY_LEN];
		struct object_ref ref = {.kind = OBJECT_CANON_ABK, .plain_len = book.n};
		struct spool *s = spool_new(-1, SPOOL_MEMORY);
		bug_if(spool_add(s, book, &f) < 0);
		bug_if(object_oid(dedup, ref.kind, s, ref.oid, &f) < 0);
		crypto_random(key, sizeof(key));
		if (!unchanged)
			bug_if(object_seal(&ref, key, s, &(struct object_sink){drop, &total, -1},
				       &sealed, &f) < 0);
		spool_free(s);
	}
	return (double)(clock_mono_ns() - start) / 1e9;
}

/* The same calls and nothing else: HMAC, zstd, AES-GCM per 64 KiB, SHA-256 of the result. */
static double bare(struct span book)
{
	size_t room = ZSTD_compressBound(book.n);
	uint8_t *packed = mem_alloc(room), *sealed = mem_alloc(room + 4096), out[32];
	ZSTD_CCtx *c = ZSTD_createCCtx();
	uint64_t start = clock_mono_ns();
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint8_t key[KEY_LEN], nonce[GCM_NONCE] = {0};
		crypto_random(key, sizeof(key));
		hmac_sha256((struct span){dedup, KEY_LEN}, &book, 1, out);
		size_t n = ZSTD_compressCCtx(c, packed, room, book.p, book.n, 3);
		struct sha256 *h = sha256_new();
		for (size_t at = 0; at < n; at += OBJECT_FRAME) {
			size_t piece = size_min(n - at, OBJECT_FRAME);
			nonce[0]++;
			gcm_seal(key, nonce, (struct span){out, 32},
				(struct span){packed + at, piece}, sealed);
			sha256_add(h, (struct span){sealed, piece + GCM_TAG});
		}
		sha256_end(h, out);
	}
	double seconds = (double)(clock_mono_ns() - start) / 1e9;
	ZSTD_freeCCtx(c);
	free(packed);
	free(sealed);
	return seconds;
}

static void bench_seal(void)
{
	char *text = mem_alloc(BOOK);
	struct span book = {(uint8_t *)text, make_book(text, BOOK, 1)};
	double mb = (double)book.n * ROUNDS / 1e6, best[3] = {1e9, 1e9, 1e9};
	for (int round = 0; round < 5; round++) {
		double t[3] = {ours(book, false), bare(book), ours(book, true)};
		for (int i = 0; i < 3; i++)
			best[i] = t[i] < best[i] ? t[i] : best[i];
	}
	(void)printf(
		"sealing a book of %zu bytes: %.0f MB/s; bare loop of the same calls: %.0f MB/s; "
		"ratio %.2f (target 0.9)\n",
		book.n, mb / best[0], mb / best[1], best[1] / best[0]);
	(void)printf("unchanged book: %.0f MB/s; cost beside a sealed one: %.2f (target 0.2)\n",
		mb / best[2], best[2] / best[0]);
	free(text);
}

static double run_all(struct store *s, int n)
{
	uint64_t start = clock_mono_ns();
	for (int i = 0; i < n; i++)
		store_begin(&s[i]);
	stores_wait();
	for (int i = 0; i < n; i++) {
		if (s[i].fault.code != 0)
			(void)fprintf(stderr, "%d %s\n", s[i].fault.code, s[i].fault.detail);
		bug_if(s[i].fault.code != 0);
	}
	return (double)(clock_mono_ns() - start) / 1e9;
}

/* Each device: one list of its own, ten that are alike everywhere. */
static void bench_service(int n)
{
	struct host h = {.n = 0};
	struct store *s = mem_alloc((size_t)n * sizeof(*s));
	static const char *const lists[] = {"list_1", "list_2", "list_3", "list_4", "list_5",
		"list_6", "list_7", "list_8", "list_9", "list_10", "one_touch"};
	client_setup();
	host_start(&h, 1, "vault", NULL, 0);
	host_ready(&h);
	for (int i = 0; i < n; i++) {
		char *text = mem_alloc(BOOK);
		s[i] = (struct store){.client = h.client,
			.device = new_id(),
			.run = new_id(),
			.request = new_id(),
			.token = (uint64_t)i + 1,
			.n = array_len(lists)};
		for (size_t k = 0; k < array_len(lists); k++)
			s[i].parts[k] = (struct part){lists[k],
				"# Canon AddressBook version: 1\r\n# CharSet: WCP1252\r\n\r\n", 0};
		s[i].parts[0] = (struct part){"list_1", text, make_book(text, BOOK, (unsigned)i)};
		grant(&s[i]);
	}
	double first = run_all(s, n);
	for (int i = 0; i < n; i++)
		s[i].run = new_id();
	double second = run_all(s, n);
	(void)printf("service, one process, %d devices of 11 lists and 100 KB: %.0f versions/s "
		     "committed, flushed and read back; unchanged %.0f/s; ratio of cost %.2f\n",
		n, n / first, n / second, second / first);
	host_kill(&h, SIGTERM);
	client_end();
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "service") == 0)
		bench_service(atoi(argv[2]));
	else
		bench_seal();
	return 0;
}
