// SPDX-License-Identifier: Apache-2.0
/* A Canon CSV of 5,000 entries: decoded, brought to its normal form, hashed, beside libcsv's bare
 * scan of the same bytes, which calls back for each cell and does nothing with it. CPU time, the
 * best of several runs. `book_csv decode N` and `book_csv all N` only do our
 * work N times, for callgrind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if __has_include(<csv.h>)
#include <csv.h>
#define HAS_LIBCSV 1
#endif

#include "common/book/codec.h"
#include "common/book/engines/table.h"
#include "common/book/norm.h"

#define ENTRIES 5000u
#define RUNS 15

/* ---- the file ---- */

static const char HEADING[] =
	"objectclass,cn,cnread,cnshort,subdbid,mailaddress,dialdata,uri,url,path,protocol,username,"
	"pwd,member,indxid,enablepartial,sub,faxprotocol,ecm,txstartspeed,commode,lineselect,"
	"uricommode,uriflag,pwdinputflag,ifaxmode,transsvcstr1,transsvcstr2,ifaxdirectmode,"
	"documenttype,bwpapersize,bwcompressiontype,bwpixeltype,bwbitsperpixel,bwresolution,"
	"clpapersize,clcompressiontype,clpixeltype,clbitsperpixel,clresolution,accesscode,uuid,"
	"cnreadlang,enablesfp,memberobjectuuid,loginusername,logindomainname,usergroupname,"
	"personalid\r\n";

static void add_row(struct buf *b, uint32_t i)
{
	uint32_t number = 201 + i;
	const char *end = ",,,,,,,,,,,,,,,,0";

	if (i % 5 == 4)
		buf_addf(b,
			"remotefilesystem,\"Scan %u\",\"scan "
			"%u\",\"S%u\",1,,,,\"server%u.example.com\","
			"\"\\scan\\user%u\",smb,\"CORP\\user%u\",\"secret%u\",,%u,,,,,,,,,,off%s",
			i, i, i, i % 40, i, i, i, number, end);
	else if (i % 5 == 3)
		buf_addf(b,
			"g3fax,\"Fax %u\",\"fax %u\",\"F%u\",1,,\"+33 "
			"%09u\",,,,,,,,%u,,,g3,on,33600,"
			"domestic,auto,,,%s",
			i, i, i, i, number, end);
	else
		buf_addf(b,
			"email,\"%s %u\",\"person "
			"%u\",\"P%u\",1,\"person%u@example.com\",,,,,smtp,,,,%u,"
			"off,,,,,,,,,%s",
			i % 10 ? "Person" : "人物", i, i, i, i, number, end);
	buf_addf(b, ",3c9d4d40-7b1e-11ee-8c99-%012u,en,,,,,,\r\n", i);
}

static struct buf make_file(void)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "# Canon AddressBook CSV version: 0x0002\r\n# CharSet: UTF-8\r\n"
		     "# SubAddressBookName: Sales\r\n# DB Version: 0x010a\r\n\r\n");
	buf_adds(&b, HEADING);
	for (uint32_t i = 0; i < ENTRIES; i++)
		add_row(&b, i);
	return b;
}

/* ---- what is measured ---- */

static uint64_t sink;

#ifdef HAS_LIBCSV
static void on_cell(void *text, size_t n, void *arg)
{
	(void)text;
	*(uint64_t *)arg += n;
}

static void on_row(int c, void *arg)
{
	*(uint64_t *)arg += (uint64_t)(c & 1);
}

static void scan_libcsv(struct span file)
{
	struct csv_parser p;

	csv_init(&p, 0);
	csv_parse(&p, file.p, file.n, on_cell, on_row, &sink);
	csv_fini(&p, on_cell, on_row, &sink);
	csv_free(&p);
}
#endif

static void scan_ours(struct span file)
{
	static struct table t;

	if (table_init(&t, file, CHARSET_UTF8, ',') < 0)
		abort();
	while (table_next(&t) > 0)
		sink += t.n;
	table_fini(&t);
}

static struct book *decode(struct span file)
{
	struct fault fault = FAULT_INIT;
	struct book *b;

	if (book_decode(file, codec_named("canon_csv"), NULL, &b, &fault) < 0) {
		fprintf(stderr, "%s\n", fault.detail);
		exit(1);
	}
	return b;
}

static void decode_only(struct span file)
{
	struct book *b = decode(file);

	sink += b->n_entries;
	book_free(b);
}

static void decode_and_hash(struct span file)
{
	struct book *b = decode(file);
	struct book *normal = book_normal_view(b, profile_named("canon_csv"));
	struct book_hashes h;

	book_hash(normal, NULL, &h);
	sink += h.pub[0];
	book_free(normal);
	book_free(b);
}

/* ---- */

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double best(void (*work)(struct span), struct span file)
{
	double least = 1e9;

	for (int i = 0; i < RUNS; i++) {
		double begin = cpu_ms(), took;

		work(file);
		took = cpu_ms() - begin;
		if (took < least)
			least = took;
	}
	return least;
}

static void report(const char *what, double ms, size_t n, double beside)
{
	printf("%-34s %7.2f ms %8.1f MB/s %7.2f us/entry", what, ms, (double)n / ms / 1e3,
		ms * 1e3 / ENTRIES);
	if (beside > 0)
		printf("   %.2f x libcsv's scan", ms / beside);
	printf("\n");
}

int main(int argc, char **argv)
{
	struct buf file = make_file();
	struct span bytes = buf_span(&file);
	double scan = 0;

	if (argc == 3) {
		for (long i = strtol(argv[2], NULL, 10); i > 0; i--)
			(*argv[1] == 'd' ? decode_only : decode_and_hash)(bytes);
	} else {
		printf("Canon CSV, %u entries, %.2f MB\n", ENTRIES, (double)bytes.n / 1e6);
#ifdef HAS_LIBCSV
		scan = best(scan_libcsv, bytes);
		report("libcsv, bare scan", scan, bytes.n, 0);
#else
		printf("libcsv is not here: nothing to stand beside\n");
#endif
		report("our rows and cells, bare", best(scan_ours, bytes), bytes.n, scan);
		report("decode", best(decode_only, bytes), bytes.n, scan);
		report("decode, normal form, hashes", best(decode_and_hash, bytes), bytes.n, scan);
	}
	buf_fini(&file);
	return sink == 0;
}
