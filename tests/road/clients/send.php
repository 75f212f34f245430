<?php
// What an e-shop or ERP in PHP does with phpseclib: send.php PORT KEY FILE NAME CUT-NAME
require 'phpseclib3/autoload.php';

use phpseclib3\Crypt\PublicKeyLoader;
use phpseclib3\Net\SFTP;

[, $port, $key, $file, $name, $cut] = $argv;
$sftp = new SFTP('127.0.0.1', (int) $port);

function done(string $what, $answer): void
{
    global $sftp;
    if ($answer === false) {
        fwrite(STDERR, "$what: " . $sftp->getLastSFTPError() . "\n");
        exit(1);
    }
}

done('login', $sftp->login('alpha', PublicKeyLoader::load(file_get_contents($key))));
done('put', $sftp->put("/incoming/$name", $file, SFTP::SOURCE_LOCAL_FILE));
$came = $sftp->filesize("/incoming/$cut");
done('resume', $sftp->put("/incoming/$cut", $file, SFTP::SOURCE_LOCAL_FILE | SFTP::RESUME, -1, $came));
done('mkdir', $sftp->mkdir('/incoming/php/2026', -1, true));
done('put as .part', $sftp->put("/incoming/php/2026/$name.part", $file, SFTP::SOURCE_LOCAL_FILE));
done('rename', $sftp->rename("/incoming/php/2026/$name.part", "/incoming/php/2026/renamed-$name"));
done('touch', $sftp->touch("/incoming/$name", 1600000000));
done('chmod', $sftp->chmod(0600, "/incoming/$name"));
done('stat', $sftp->stat("/incoming/$name")['mtime'] === 1600000000);
done('chdir', $sftp->chdir('incoming') && $sftp->pwd() === '/incoming');
done('list', in_array($name, $sftp->nlist('.'), true));
done('delete', $sftp->delete('/incoming/php', true));
done('no links', !$sftp->symlink("/incoming/$name", '/incoming/link'));
print($sftp->filesize("/incoming/$name") . "\n");
