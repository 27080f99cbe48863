"""Some pixels of some radiographs: where they change, the phantom must be drawn anew.

The values were written down from the code itself; what they show is looked at in the tests beside this one.
Processors may round the last bit of a sine or a square root differently: 2 levels are allowed.
"""

import numpy as np
import pytest

from clrx.data.nih.labels import DISEASES
from clrx.data.phantom.exposure import textures
from clrx.data.phantom.images import draw_images
from clrx.data.phantom.patients import sample_population

CHANGED = "the pixels changed: raise the version (PHANTOM_VERSION in clrx/data/phantom/draw.py)"
PATIENTS = """
phantom_00000097_002.png,Pleural_Thickening,2,97,23,F,PA,False
phantom_00000097_003.png,Pleural_Thickening,3,97,24,F,AP,False
phantom_00000098_000.png,Nodule|Pneumothorax,0,98,76,M,PA,True
phantom_00000099_000.png,Atelectasis|Edema,0,99,40,F,PA,False
phantom_00000100_000.png,Pneumothorax|Pleural_Thickening,0,100,40,F,PA,False
phantom_00000100_001.png,Pleural_Thickening,1,100,40,F,AP,False
"""
PIXELS = {  # by first image: every 8th pixel of every 8th row of 24 images of 32 x 32, a line for 4 of them
    0: (
        "07829a84811ba0284239b12467c2d7c71897a87d9c5aa976a346ea4db0fff0d52c78a14e703d8c307b45a8477dc5bc7b"
        "2b80b9858934a95a9043cf6089bdd8cb1341b0537938a030824ad36d8aebf0f13e64be689549b6459d81e589a7fffaea"
        "000ea8009562aa559347d64c9ae3ecdd0510c9109c55ba61a03bf6519fdefff00d11b3009852a04d943ed532a0c6f3c0"
        "0200790079417e18832ebe1a8ab9deb10917af019363b6389588d2c096e0dee9007d8f8b7e1d98378436b97188bdd0bd"
        "0717bb00a548c14daf3eff4ba7fffff00b01da009e66d36c4d73ff5676f4feff00007f07704c2a867423cb2d7cbbc6ba"
        "0553b7378730c154894ee94b89ebffff1e49df526264d08f0c8eff750af3ffff2811e103c073d074c05dfe5fc6fcfef6"
        "2a57d558974dc642a55bf949adf6fee8072f8c0095409d15922ab23e8fd1c2620800ca028b34af3f9540d144a1ffee71"
        "00028600752d9e1f7555bc3a8b8bc263141da9079b31b2269e8ebd30a978dc640213830072229a27781da90d7c54bd46"
    ),
    96: (
        "0e04be069c5bb53e6c73e24fa9eef4da0a27cd00b37dc54fbcc6ff65befefffd0c0cb5179d52c39c9e55e06f91d3fce1"
        "0300bd0a9c5cc5819c62f0469fecffef2c70b263893aa353882cc7498dbfdabc000192008f3b9d37943dc7409dccf5bf"
        "043f934b7a3a944a0051cf4f04d6f1e43c6ad054b234c31da838eb38a9c8fe9d131eaf29914dc3549d55c8469678e259"
        "00728a506d299331762bba3873b3d0730e547f186f3e802f6d3fa037759bbe9b2887a94088419f299064c14293c7d7c7"
        "35bdcfa1af57c95dbb82f587b7f1fff40005c3038e18c8318836e8447ee8fff20474887d71338a3f7323c16584bcdcbd"
        "05007a005d25722c6c30af406fa8c9b0008ca88d902dbc379242e84b9fdcfee91100c600a343d73d1884fb4f5afffffe"
        "00508a38462389270940b35e1cc4cec9153ab7140d51c331096bfa4811f8fff8030589002c34a5280154ca5002d0e7db"
        "0850963865277f307266ae5f795db37a0000bd148d54b5378899ba599744c8420a2eb9847f37ba5e0069ddd30ad4f8ee"
    ),
}


def test_the_patients():
    table = sample_population(0, 6000).table
    assert table.iloc[240:246].to_csv(index=False, header=False) == PATIENTS.lstrip(), CHANGED


@pytest.mark.parametrize("start", PIXELS)
def test_the_pixels(start):
    rows = np.arange(start, start + 24)
    found = draw_images(sample_population(0, 6000), rows, textures(0), 32, 0)[:, ::8, ::8]
    expected = np.frombuffer(bytes.fromhex(PIXELS[start]), np.uint8).reshape(found.shape)
    np.testing.assert_allclose(found.astype(int), expected.astype(int), atol=2, err_msg=CHANGED)


def test_every_finding_is_among_them():
    severity = sample_population(0, 6000).severity
    rows = np.concatenate([np.arange(start, start + 24) for start in PIXELS])
    assert (severity[rows] > 0).any(axis=0).sum() == len(DISEASES)
