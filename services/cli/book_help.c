// SPDX-License-Identifier: Apache-2.0
/* What --help says about the verbs of `carnet book`. */
#include <string.h>

#include "services/cli/book.h"

static const char common[] =
	"\nFILE may be - for stdin. The format is recognised by content; --from FORMAT says it;\n"
	"--mapping FILE.json says which columns of any other CSV are what.\n"
	"Exit: 0 equal or clean, 1 differences or losses, 2 error.\n";

static const struct {
	const char *verb, *text;
} texts[] = {
	{"check", "  Every fault of every file, with line and column; format, charset, lists, "
		  "entries.\n"
		  "  Exit 1 means warnings, or losses on the printer of --profile; 2 errors.\n"
		  "  --profile NAME       also what a printer of this profile could not hold\n"
		  "  --json               one object per file\n"
		  "Examples:\n"
		  "  carnet book check office.csv\n"
		  "  carnet book check --profile ricoh *.csv\n"},
	{"show", "  Lists and entries. On a narrow terminal only number, name and destination.\n"
		 "  --list SLOT|NAME     only this list\n"
		 "  --entry NO|KEY|NAME  one entry with all its fields\n"
		 "  --wide               more columns, nothing cut\n"
		 "  --json               the whole book in Carnet's own format, carnet_json\n"
		 "  --reveal-secrets     with --json: passwords that stand in clear in the file\n"
		 "Examples:\n"
		 "  carnet book show office.abk\n"
		 "  carnet book show --entry 201 office.csv\n"
		 "  carnet book show --json - <office.csv | jq '.lists[].entries[].name'\n"},
	{"convert",
		"  First says what would be lost. Without -o that is all; with -o the file is "
		"written\n"
		"  when every loss is accepted, else nothing is (exit 1).\n"
		"  --to FORMAT|PROFILE  what to write\n"
		"  -o FILE              where; - is stdout, then the ledger goes to stderr\n"
		"  --base FILE          a file of the printer it is for: its own columns and "
		"style\n"
		"                       stay; some formats need one\n"
		"  --accept WORDS       classes (loss,action,destructive), actions (cut,dropped "
		"…),\n"
		"                       all, or the hash of exactly this ledger\n"
		"  --transliterate      é may become e where the charset has no é\n"
		"  --join               entries of the same name and reading become one\n"
		"  --reveal-secrets     write passwords that stand in clear in FILE\n"
		"  --view               for a spreadsheet, instead of --to: -o FILE.view.csv; "
		"with\n"
		"                       --base the way back into the printer's file is exact\n"
		"  --ledger FILE.csv    every line of the ledger; --json prints it\n"
		"Examples:\n"
		"  carnet book convert --to sharp office.csv\n"
		"  carnet book convert --to sharp --accept loss,action -o sharp.csv office.csv\n"
		"  carnet book convert --to carnet_json -o office.json office.csv\n"
		"  carnet book convert --view -o office.view.csv office.csv\n"
		"  carnet book convert --to canon_csv --base office.csv -o new.csv "
		"office.view.csv\n"},
	{"diff", "  What differs in meaning, entry by entry and field by field, whatever the "
		 "formats.\n"
		 "  --summary            one line of counts\n"
		 "  --json               every change\n"
		 "Examples:\n"
		 "  carnet book diff monday.csv friday.csv\n"
		 "  carnet book diff --summary office.csv office.abk\n"},
	{"merge",
		"  Both sides' changes since BASE, in the format and style of LEFT. Conflicts are\n"
		"  listed; while one is open nothing is written (exit 1).\n"
		"  -o FILE              where; - is stdout\n"
		"  --prefer SIDE        left, right or base settles what is in conflict\n"
		"  --resolve WHAT=SIDE  settles one: LIST, LIST/KEY or LIST/KEY/FIELD; repeatable\n"
		"  --profile NAME       the printer it is for; else the family's\n"
		"  --json               conflicts and notes\n"
		"Examples:\n"
		"  carnet book merge base.csv floor1.csv floor2.csv -o merged.csv\n"
		"  carnet book merge --prefer left base.csv mine.csv theirs.csv -o merged.csv\n"
		"  carnet book merge --resolve 1/204/name=right base.csv mine.csv theirs.csv -o "
		"merged.csv\n"},
	{"search",
		"  Where does it stand? TEXT is part of a name, reading, address, host, path or\n"
		"  account, or the end of a fax number; KIND:TEXT looks in one place only:\n"
		"  name reading email fax host path account tag uri. Exit 1: nowhere.\n"
		"Examples:\n"
		"  carnet book search müller *.csv\n"
		"  carnet book search fax:78000001 floor*/*.csv\n"},
};

void book_help(const struct verb *v)
{
	for (size_t i = 0; i < array_len(texts); i++)
		if (strcmp(texts[i].verb, v->name) == 0)
			(void)fputs(texts[i].text, stdout);
	(void)fputs(common, stdout);
	if (strcmp(v->name, "convert") == 0 || strcmp(v->name, "check") == 0) {
		struct buf all = BUF_INIT;
		book_names(&all);
		(void)printf("%s\n", buf_str(&all));
		buf_fini(&all);
	}
}
