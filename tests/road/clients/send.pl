# What an ERP's script does with Net::SFTP::Foreign: send.pl PORT FILE NAME CUT-NAME FOLDER SSH-OPTION...
use strict;
use warnings;
use Net::SFTP::Foreign;

my ($port, $file, $name, $cut, $folder, @options) = @ARGV;
my $sftp = Net::SFTP::Foreign->new('127.0.0.1', port => $port, user => 'alpha', more => \@options);
$sftp->die_on_error('cannot connect');

sub done { my ($what, $answer) = @_; die "$what: " . $sftp->error . "\n" unless $answer; }

done('put', $sftp->put($file, "/incoming/$name"));
done('put atomic', $sftp->put($file, "/incoming/atomic-$name", atomic => 1));
done('put best effort', $sftp->put($file, "/incoming/best-$name", best_effort => 1));
done('resume', $sftp->put($file, "/incoming/$cut", resume => 'auto'));
done('mkpath', $sftp->mkpath('/incoming/perl/2026'));
done('rput', $sftp->rput($folder, '/incoming/perl/2026', copy_time => 1));
done('rename', $sftp->rename("/incoming/best-$name", "/incoming/renamed-$name"));
done('remove', $sftp->remove("/incoming/renamed-$name"));
done('rremove', $sftp->rremove('/incoming/perl'));
die "symlinks are made\n" if $sftp->symlink('/incoming/link', "/incoming/$name");
my ($listed) = grep { $_->{filename} eq $name } @{ $sftp->ls('/incoming') };
print "$listed->{longname}\n";
