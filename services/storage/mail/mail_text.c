// SPDX-License-Identifier: Apache-2.0
/* Pure: the rules of the description, and the texts. */
#include "services/storage/mail/mail_text.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/text/unicode.h"
#include "common/text/utf8.h"
#include "gen/errors.h"

#define WORDS_MAX 4000 /* characters */
#define LINES 3
#define LETTERS 3

static bool white(uint32_t c)
{
	return c == ' ' || c == '\t' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	       c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Letters of any script: digits, signs and punctuation of ASCII, Latin-1 and CJK are none. */
static bool letter(uint32_t c)
{
	if (c < 0x80)
		return ascii_alpha((char)c);
	if (c < 0xc0)
		return c == 0xaa || c == 0xb5 || c == 0xba;
	return c != 0xd7 && c != 0xf7 && !(c >= 0x2000 && c <= 0x2bff) &&
	       !(c >= 0x3000 && c <= 0x3004) && !(c >= 0x3007 && c <= 0x3030) &&
	       !(c >= 0xfe00 && c <= 0xfe6f) && !(c >= 0xff00 && c <= 0xff20) && c != 0x30fb &&
	       c < 0x1f000;
}

struct line {
	const uint8_t *p;
	size_t n, letters;
};

/* One line without the white space at its ends. */
static struct line trimmed(const uint8_t *p, size_t n)
{
	struct line l = {p, 0, 0};
	bool begun = false;
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t c = 0;
		len = utf8_read(p + i, n - i, &c);
		bug_if(len == 0);
		if (white(c))
			continue;
		if (!begun)
			l.p = p + i;
		begun = true;
		l.n = (size_t)(p + i + len - l.p);
		l.letters += letter(c);
	}
	return l;
}

static bool new_line(const struct line *all, size_t n, const struct line *l)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].n == l->n && memcmp(all[i].p, l->p, l->n) == 0)
			return false;
	return true;
}

/* How many lines say something, up to LINES. */
static size_t count_lines(const char *text)
{
	struct line all[LINES];
	size_t n = 0;
	for (const char *p = text, *end; n < LINES; p = end + 1) {
		end = strchrnul(p, '\n');
		struct line l = trimmed((const uint8_t *)p, (size_t)(end - p));
		if (l.letters >= LETTERS && new_line(all, n, &l))
			all[n++] = l;
		if (*end == 0)
			break;
	}
	return n;
}

/* One line of its own: a name, a reason. */
static bool says_something(const char *s)
{
	return s != NULL && strchr(s, '\n') == NULL && utf8_valid(s, strlen(s)) &&
	       trimmed((const uint8_t *)s, strlen(s)).letters >= LETTERS;
}

static bool is_text(const char *s)
{
	size_t n = strlen(s), len;
	if (!utf8_valid(s, n) || unicode_length(s) > WORDS_MAX)
		return false;
	for (size_t i = 0; i < n; i += len) {
		uint32_t c = 0;
		len = utf8_read((const uint8_t *)s + i, n - i, &c);
		if ((c < 0x20 && c != '\n') || (c >= 0x7f && c < 0xa0))
			return false;
	}
	return true;
}

int mail_words_check(const struct mail_words *w, struct fault *reterr)
{
	const char *const all[] = {w->who, w->why, w->description};
	for (size_t i = 0; i < array_len(all); i++)
		if (all[i] != NULL && !is_text(all[i]))
			return fault_why(reterr, CN_VALIDATION_FAILED, "mail_description",
				"at most %d characters of text are wanted, no control characters",
				WORDS_MAX);
	if (!says_something(w->who))
		return fault_why(reterr, CN_VALIDATION_FAILED, "mail_who_missing",
			"one line that says who sends this");
	if (!says_something(w->why))
		return fault_why(reterr, CN_VALIDATION_FAILED, "mail_why_missing",
			"one line that says why this is sent");
	size_t n = w->description == NULL ? 0 : count_lines(w->description);
	if (n < LINES)
		return fault_why(reterr, CN_VALIDATION_FAILED, "mail_description_too_short",
			"%d lines needed, %zu found", LINES, n);
	return 0;
}

/* ---- texts ---- */

struct words {
	const char *language, *subject, *who, *why, *device, *kind, *generation, *made, *file,
		*open, *open_password;
};

static const struct words texts[] = {
	{"en", "Carnet: backup of %s, generation %llu", "Sent by", "Reason", "Printer", "Kind",
		"Generation", "Made", "Attachment",
		"The attachment is sealed to your key. To open it:\n"
		"  carnet-verify open FILE --key YOUR_KEY_FILE --to FOLDER",
		"The attachment is sealed with the password you agreed on. To open it:\n"
		"  carnet-verify open FILE --to FOLDER"},
	{"fr", "Carnet : sauvegarde de %s, génération %llu", "Envoyé par", "Raison", "Imprimante",
		"Type", "Génération", "Faite le", "Pièce jointe",
		"La pièce jointe est scellée pour votre clé. Pour l’ouvrir :\n"
		"  carnet-verify open FICHIER --key VOTRE_CLÉ --to DOSSIER",
		"La pièce jointe est scellée avec le mot de passe convenu. Pour l’ouvrir :\n"
		"  carnet-verify open FICHIER --to DOSSIER"},
	{"ja", "Carnet: %s のバックアップ（第 %llu 世代）", "送信者", "理由", "プリンター", "種類",
		"世代", "作成日時", "添付ファイル",
		"添付ファイルはあなたの鍵で封印されています。開くには:\n"
		"  carnet-verify open ファイル --key 鍵ファイル --to フォルダー",
		"添付ファイルは取り決めたパスワードで封印されています。開くには:\n"
		"  carnet-verify open ファイル --to フォルダー"},
};

static const struct words *words_of(const char *language)
{
	for (size_t i = 0; i < array_len(texts); i++)
		if (language != NULL && strcmp(texts[i].language, language) == 0)
			return &texts[i];
	return &texts[0];
}

static const char *name_of(const struct mail_facts *f)
{
	return f->device[0] != 0 ? f->device : f->serial;
}

void mail_words_subject(const char *language, const struct mail_facts *f, struct buf *out)
{
	const struct words *w = words_of(language);
	const char *rest = strstr(w->subject, "%llu");
	const char *name = strstr(w->subject, "%s");
	buf_add(out, w->subject, (size_t)(name - w->subject));
	buf_adds(out, name_of(f));
	buf_add(out, name + 2, (size_t)(rest - name - 2));
	buf_addf(out, "%llu%s", (unsigned long long)f->generation, rest + 4);
}

void mail_words_text(const char *language, const struct mail_words *say, const struct mail_facts *f,
	struct buf *out)
{
	const struct words *w = words_of(language);
	buf_addf(out, "%s:\n%s\n%s:\n%s\n\n%s\n\n", w->who, say->who, w->why, say->why,
		say->description);
	buf_addf(out, "-- \n%s: %s (%s)\n%s: %s\n%s: %llu\n%s: %s\n%s: %s\n\n%s\n", w->device,
		name_of(f), f->serial, w->kind, f->kind, w->generation,
		(unsigned long long)f->generation, w->made, f->made, w->file, f->file,
		f->to_password ? w->open_password : w->open);
}

/* ---- to whom ---- */

bool mail_allowed(const char *list, const char *address)
{
	const char *domain = strrchr(address, '@');
	for (const char *p = list, *end;; p = end + 1) {
		end = strchrnul(p, ',');
		size_t n = (size_t)(end - p);
		bool any = n > 1 && p[0] == '*' && domain != NULL;
		const char *what = any ? domain : address;
		if (n > 0 && strlen(what) == n - any && memcmp(what, p + any, n - any) == 0)
			return true;
		if (*end == 0)
			return false;
	}
}
