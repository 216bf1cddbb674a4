// SPDX-License-Identifier: Apache-2.0
/* Storage in figures: sealing beside the same library calls in a bare loop, an unchanged book
 * beside a changed one, and versions per second through the service. Run by storage.sh.
 *     storage_rate seal FILE      BYTES SEALED: one book through object_oid + object_seal or bare
 *     storage_rate service N      N devices, each a book of 11 lists, through one process
 *     storage_rate small N        N small versions at 8 streams, beside a plain file and fsync each
 *     storage_rate memory MB      what storage needs at most while so much streams through it */
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

/* ---- small versions ---- */

#define STREAMS 8
#define SMALL 4096

struct small {
	struct store stores[STREAMS];
	char text[STREAMS][SMALL];
	struct host h;
};

static void small_start(struct small *m)
{
	client_setup();
	host_start(&m->h, 1, "vault", NULL, 0);
	host_ready(&m->h);
	for (unsigned i = 0; i < STREAMS; i++) {
		m->stores[i] = (struct store){.client = m->h.client,
			.device = new_id(),
			.request = new_id(),
			.token = i + 1,
			.format = "opaque",
			.parts = {{"values", m->text[i], SMALL}},
			.n = 1};
		grant(&m->stores[i]);
	}
}

/* n versions, 8 at once, none of them like another. Seconds. */
static double small_run(struct small *m, int n)
{
	double seconds = 0;
	for (int done = 0; done < n; done += STREAMS) {
		for (int i = 0; i < STREAMS; i++) {
			m->stores[i].run = new_id();
			crypto_random(m->text[i], SMALL);
		}
		seconds += run_all(m->stores, STREAMS);
	}
	return seconds;
}

/* What the same bytes cost as files: each created, written, flushed and named, one after another.
 */
static double plain_files(int n)
{
	uint8_t bytes[SMALL];
	char a[128], b[128];
	(void)snprintf(a, sizeof(a), "%s/plain", dir);
	bug_if(mkdir(a, 0700) < 0);
	int folder = open(a, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t start = clock_mono_ns();
	for (int i = 0; i < n; i++) {
		crypto_random(bytes, sizeof(bytes));
		(void)snprintf(a, sizeof(a), "%s/plain/temp", dir);
		(void)snprintf(b, sizeof(b), "%s/plain/%d", dir, i);
		int fd = open(a, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0400);
		bug_if(fd < 0 || write(fd, bytes, SMALL) != SMALL || fsync(fd) < 0);
		close(fd);
		bug_if(rename(a, b) < 0 || fsync(folder) < 0);
	}
	close(folder);
	return (double)(clock_mono_ns() - start) / 1e9;
}

/* Flushes of the vault while n versions are stored; -1: there is no strace to count them with. */
static double flushes(struct small *m, int n)
{
	char command[256], line[256] = "";
	(void)snprintf(command, sizeof(command),
		"command -v strace >/dev/null && { strace -f -qq -e trace=syncfs,fsync,fdatasync"
		" -p %d -o %s/trace & echo $!; sleep 1; }",
		(int)m->h.pid, dir);
	FILE *p = popen(command, "re");
	int tracer = p != NULL && fgets(line, sizeof(line), p) != NULL ? atoi(line) : 0;
	if (p == NULL || (pclose(p), tracer == 0))
		return -1;
	(void)small_run(m, n);
	(void)kill(tracer, SIGINT);
	(void)snprintf(command, sizeof(command), "grep -c 'sync.* = 0$' %s/trace", dir);
	p = popen(command, "re");
	bug_if(p == NULL || fgets(line, sizeof(line), p) == NULL);
	(void)pclose(p);
	return atof(line) / n;
}

static void bench_small(int n)
{
	struct small *m = mem_alloc(sizeof(*m));
	small_start(m);
	(void)small_run(m, STREAMS);
	double ours_s = small_run(m, n), plain_s = plain_files(n);
	sql("select wal_sync from pg_stat_wal");
	double wal = (double)sql_number(), per = flushes(m, 80);
	sql("select pg_stat_force_next_flush(), wal_sync from pg_stat_wal");
	sql("select wal_sync from pg_stat_wal");
	(void)printf("small versions, %d streams: %.0f/s; a plain file of the same %d bytes each,"
		     " flushed and named: %.0f/s; ratio %.2f\n",
		STREAMS, n / ours_s, SMALL, n / plain_s, plain_s / ours_s);
	if (per >= 0)
		(void)printf("flushes per version: vault %.2f, catalogue about %.2f; a plain file:"
			     " 2\n",
			per, ((double)sql_number() - wal) / 80);
	host_kill(&m->h, SIGTERM);
	client_end();
	free(m);
}

/* ---- memory ---- */

static long peak_kb(pid_t pid)
{
	char path[64], line[256];
	long kb = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "re");
	bug_if(f == NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			kb = strtol(line + 6, NULL, 10);
	(void)fclose(f);
	return kb;
}

/* Versions of 240 MB each, items of 60 MB: the most that a version may be. */
static void bench_memory(int mb)
{
	static const char *const items[] = {"a", "b", "c", "d"};
	struct host h = {.n = 0};
	size_t n = (size_t)60 << 20;
	char *bytes = mem_alloc(n);
	client_setup();
	host_start(&h, 1, "vault", NULL, 0);
	host_ready(&h);
	long before = peak_kb(h.pid), sent = 0;
	for (int i = 0; i * 240 < mb; i++, sent += 240) {
		struct store s = {.client = h.client,
			.device = new_id(),
			.run = new_id(),
			.request = new_id(),
			.token = 1,
			.format = "opaque",
			.n = array_len(items)};
		crypto_random(bytes, n);
		for (size_t k = 0; k < array_len(items); k++)
			s.parts[k] = (struct part){items[k], bytes + k, n - k};
		grant(&s);
		(void)run_all(&s, 1);
		arena_fini(&s.ask.arena);
	}
	(void)printf("memory of storage: %ld MiB at most while %ld MiB streamed through it (%ld MiB"
		     " before; target 64)\n",
		peak_kb(h.pid) / 1024, sent, before / 1024);
	host_kill(&h, SIGTERM);
	free(bytes);
	client_end();
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "service") == 0)
		bench_service(atoi(argv[2]));
	else if (argc > 2 && strcmp(argv[1], "small") == 0)
		bench_small(atoi(argv[2]));
	else if (argc > 2 && strcmp(argv[1], "memory") == 0)
		bench_memory(atoi(argv[2]));
	else
		bench_seal();
	return 0;
}
