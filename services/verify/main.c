// SPDX-License-Identifier: Apache-2.0
/* carnet-verify: is everything on this medium whole? Needs the medium and the key file; no service,
 * no network, no database, no configuration. Writes nothing on the medium. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "services/verify/report.h"

static const char help[] =
	"usage: carnet-verify MEDIUM [--key FILE] [options]\n"
	"       carnet-verify extract MEDIUM DEVICE GENERATION|newest --to DIR --key FILE\n"
	"       carnet-verify mail-key FILE\n"
	"       carnet-verify open ATTACHMENT [--key FILE | --passphrase-file F] --to DIR\n"
	"\n"
	"  --key FILE             the key file: every object is opened and proved\n"
	"  --passphrase-file F    opens a protected key file, or a mail; else it is asked for\n"
	"  --public HEX           without the key: who signs\n"
	"  --quick                objects are looked for, not read\n"
	"  --device ID            only this device\n"
	"  --serial N             the passport that must be there at least\n"
	"  --kind KIND            of extract: address_book (default), settings, ...\n"
	"  --json                 one JSON document\n"
	"\n"
	"exit: 0 all good, 1 damage found, 2 cannot open (wrong key, not a medium), 3 good but\n"
	"incomplete, 4 usage, 5 needs a newer carnet-verify\n";

struct options {
	const char *key, *passphrase_file, *public_key, *device, *serial, *kind, *to;
	int json, quick, help;
	const char *words[4];
	int words_n;
};

static bool parse(int argc, char **argv, struct options *o)
{
	const struct option longs[] = {{"key", 1, NULL, 'k'}, {"passphrase-file", 1, NULL, 'p'},
		{"public", 1, NULL, 'P'}, {"device", 1, NULL, 'd'}, {"serial", 1, NULL, 's'},
		{"kind", 1, NULL, 'K'}, {"to", 1, NULL, 't'}, {"json", 0, &o->json, 1},
		{"quick", 0, &o->quick, 1}, {"help", 0, &o->help, 1}, {NULL, 0, NULL, 0}};
	const struct {
		int letter;
		const char **value;
	} values[] = {{'k', &o->key}, {'p', &o->passphrase_file}, {'P', &o->public_key},
		{'d', &o->device}, {'s', &o->serial}, {'K', &o->kind}, {'t', &o->to}};
	int c;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == '?')
			return false;
		for (size_t i = 0; i < array_len(values); i++)
			if (values[i].letter == c)
				*values[i].value = optarg;
	}
	for (; optind < argc; optind++) {
		if (o->words_n == 4)
			return false;
		o->words[o->words_n++] = argv[optind];
	}
	return true;
}

static int usage(const char *why)
{
	(void)fprintf(stderr, "carnet-verify: %s\n%s", why, help);
	return VERIFY_USAGE;
}

static int cannot(const struct fault *f)
{
	(void)fprintf(stderr, "carnet-verify: %s\n", f->detail);
	return f->code == CN_VAULT_TOO_OLD ? VERIFY_NEEDS_NEWER : VERIFY_CANNOT_OPEN;
}

void ask_passphrase(struct buf *out)
{
	struct termios before, quiet;
	char line[1024];
	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	(void)fputs("passphrase: ", stderr);
	if (fgets(line, sizeof(line), stdin) != NULL)
		buf_add(out, line, strcspn(line, "\n"));
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	(void)fputc('\n', stderr);
	crypto_wipe(line, sizeof(line));
}

static int read_key(const struct options *o, struct keyring *ring, struct fault *f)
{
	struct buf passphrase = BUF_INIT;
	if (o->key == NULL)
		return 0;
	int rc = passphrase_read(
		o->passphrase_file == NULL ? "" : o->passphrase_file, &passphrase, f);
	if (rc == 0)
		rc = keyring_read(o->key, buf_span(&passphrase), ring, f);
	if (rc < 0 && strcmp(f->reason, "passphrase_needed") == 0) {
		ask_passphrase(&passphrase);
		if (passphrase.n > 0)
			rc = keyring_read(o->key, buf_span(&passphrase), ring, f);
	}
	buf_wipe(&passphrase);
	return rc;
}

static int verify(const struct options *o, struct verify *v)
{
	static struct report r;
	r.json = o->json != 0;
	v->quick = o->quick != 0;
	v->serial = o->serial == NULL ? 0 : strtoull(o->serial, NULL, 10);
	v->report = report_finding;
	v->arg = &r;
	if (o->public_key != NULL) {
		v->have_public = true;
		v->signers.n = 1;
		if (hex_decode(o->public_key, v->signers.keys[0], SIGN_PUBLIC) < 0)
			return usage("--public is not 64 hex digits");
	}
	report_begin(&r);
	int code = verify_medium(v);
	report_end(&r, v, code);
	return fflush(stdout) == 0 ? code : VERIFY_CANNOT_OPEN;
}

/* Versions that come by mail: no medium. */
static int run_mail(const struct options *o)
{
	bool makes = strcmp(o->words[0], "mail-key") == 0;
	if (o->words_n != 2 || (!makes && o->to == NULL))
		return usage(makes ? "mail-key needs a file" : "open needs an attachment and --to");
	return makes ? mail_key(o->words[1])
		     : mail_open(o->words[1], o->key, o->passphrase_file, o->to);
}

static int run(const struct options *o, struct verify *v)
{
	bool extracts = o->words_n > 0 && strcmp(o->words[0], "extract") == 0;
	const char *device = extracts && o->words_n == 4 ? o->words[2] : o->device;
	struct fault f = FAULT_INIT;
	if (extracts ? o->words_n != 4 || o->to == NULL || o->key == NULL : o->words_n != 1)
		return usage(
			extracts ? "extract needs a medium, a device, a generation, --to and --key"
				 : "one medium");
	if (device != NULL && uuid_parse(device, &v->device) < 0)
		return usage("a device is a UUID");
	uint64_t generation = extracts ? strtoull(o->words[3], NULL, 10) : 0;
	if (extracts && generation == 0 && strcmp(o->words[3], "newest") != 0)
		return usage("a generation is a number, or newest");
	if (read_key(o, &v->ring, &f) < 0 ||
		vault_open_medium(&v->medium, o->words[extracts ? 1 : 0], &f) < 0)
		return cannot(&f);
	return extracts ? extract(v, o->kind == NULL ? "" : o->kind, generation, o->to)
			: verify(o, v);
}

int main(int argc, char **argv)
{
	static struct verify v;
	struct options o = {.key = NULL};
	v.medium.fd = v.medium.tmp = -1;
	if (!parse(argc, argv, &o))
		return usage("what is that?");
	if (o.help) {
		(void)fputs(help, stdout);
		return VERIFY_GOOD;
	}
	bool mail = o.words_n > 0 &&
		    (strcmp(o.words[0], "mail-key") == 0 || strcmp(o.words[0], "open") == 0);
	int code = mail ? run_mail(&o) : run(&o, &v);
	verify_fini(&v);
	return code;
}
