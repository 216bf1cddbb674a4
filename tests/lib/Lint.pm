# SPDX-License-Identifier: Apache-2.0
# What the lint programs share: the list of files, C without comments and texts, TAP.
package Lint;
use strict;
use warnings;
use Cwd 'abs_path';
use File::Basename;
use Exporter 'import';
our @EXPORT = qw(sources slurp code code_and_texts tap_check tap_done);

my $root = dirname(abs_path(__FILE__)) . '/../..';
chdir $root or die "$root: $!";

my ($n, $bad) = (0, 0);

# Files of this repository whose path matches; built and foreign ones are not among them.
sub sources {
	my ($re) = @_;
	my @all = `git ls-files -co --exclude-standard 2>/dev/null`;
	@all = map { s{^\./}{}r } `find . -type f -not -path './build*' -not -path './.git/*'` unless @all;
	chomp @all;
	return sort grep { $_ =~ $re && -f $_ } @all;
}

sub slurp {
	my ($path) = @_;
	open my $f, '<', $path or die "$path: $!";
	local $/;
	return scalar <$f>;
}

my $c_tokens = qr{(/\*.*?\*/|//[^\n]*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')}s;

# Comments and texts become blanks; lines stay where they are.
sub code {
	my ($text) = @_;
	$text =~ s{$c_tokens}{ my $t = $1 // $2; $t =~ s/[^\n]/ /g; defined $2 ? '"' . substr($t, 2) . '"' : $t }ge;
	return $text;
}

# Only comments become blanks.
sub code_and_texts {
	my ($text) = @_;
	$text =~ s{$c_tokens}{ my ($c, $s) = ($1, $2); defined $s ? $s : ($c =~ s/[^\n]/ /gr) }ge;
	return $text;
}

# One test: @found are the places that break it.
sub tap_check {
	my ($name, @found) = @_;
	$n++;
	if (@found) {
		$bad++;
		print "not ok $n - $name\n", map { "# $_\n" } @found;
	} else {
		print "ok $n - $name\n";
	}
}

sub tap_done {
	print "1..$n\n";
	exit($bad ? 1 : 0);
}

1;
