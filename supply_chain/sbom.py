"""The software bill of materials (SBOM) of a lock file: CycloneDX 1.6, in JSON.

It names each package with its version, package URL, hashes and what needs it. Its serial number is
derived from its content: two of the same lock file are the same.
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID, uuid5

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from supply_chain.lock_file import LockedPackage

_NAMESPACE: Final = UUID("6f0c3a0e-6f8d-5b0a-9d3e-2b1f5c7e4a10")
_ALGORITHMS: Final = {"sha256": HashAlgorithm.SHA_256}


def write_sbom(name: str, version: str, packages: Iterable[LockedPackage]) -> str:
    """Return the bill of materials of a project as JSON.

    Args:
        name: The project's name.
        version: Its version.
        packages: What it depends on.
    """
    root = Component(
        name=name,
        version=version,
        type=ComponentType.APPLICATION,
        purl=PackageURL("pypi", name=name, version=version),
        bom_ref=name,
    )
    bom = Bom()
    bom.metadata.component = root
    packages = list(packages)
    components = {package.name: _component(package) for package in packages}
    bom.components.update(components.values())
    bom.register_dependency(root, [components[p.name] for p in packages if p.is_direct])
    for needing, component in components.items():
        needed = [components[p.name] for p in packages if needing in p.needed_by]
        bom.register_dependency(component, needed)
    content = repr([(p.name, p.version, sorted(p.hashes)) for p in packages])
    bom.serial_number = uuid5(_NAMESPACE, f"{name} {version} {content}")
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _component(package: LockedPackage) -> Component:
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        purl=PackageURL("pypi", name=package.name, version=package.version),
        bom_ref=f"{package.name}=={package.version}",
        hashes=[HashType(alg=_ALGORITHMS[a], content=digest) for a, digest in package.hashes],
    )
